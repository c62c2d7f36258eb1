/* SPDX-License-Identifier: Apache-2.0 */
/* Zone files: origins, files that include others, and what is refused, with which words. */
#include "tests/dns/ask.h"

#define HEAD "$ORIGIN r.test.\n$TTL 60\n@ SOA ns host 1 2 3 4 5\n@ NS ns\nns A 192.0.2.1\n"

static void test_refusals(void)
{
	struct wn_error error = {0};
	const char *both[2];

	refused("", "refused: no SOA record");
	refused(HEAD "www A 192.0.2.300\n", "refused:6: ");
	refused(HEAD "www NONSENSE x\n", "refused:6: ");
	refused(HEAD "www A 192.0.2.300", "refused:6: "); /* no newline at the end */
	refused(HEAD "ok TXT (\n\"a\"\n)\n; words\n\nwww A 192.0.2.300\n", "refused:11: ");
	refused(HEAD "www.other.test. A 192.0.2.3\n", "refused:6: www.other.test.: is not in the zone");
	refused(HEAD "www A 192.0.2.3\nwww A 192.0.2.3\n", "refused:7: www.r.test.: the same record is given twice");
	refused(HEAD "www A 192.0.2.3\nwww CNAME ns\n", "refused:7: www.r.test.: CNAME and other data");
	refused(HEAD "www CNAME ns\nwww TXT x\n", "refused:7: www.r.test.: CNAME and other data");
	refused(HEAD "www CNAME ns\nwww CNAME x\n", "refused:7: www.r.test.: a second CNAME");
	refused(HEAD "@ SOA ns host 2 2 3 4 5\n", "refused:6: r.test.: a second SOA");
	refused(HEAD "a SOA ns host 2 2 3 4 5\n", "refused:6: a.r.test.: a second SOA");
	refused(HEAD "a DNAME b\na DNAME c\n", "refused:7: a.r.test.: a second DNAME");
	refused(HEAD "a DNAME b\na CNAME c\n", "refused:7: a.r.test.: CNAME and other data");
	refused(HEAD "a DNAME b\na NS ns\n", "refused:6: a.r.test.: DNAME at a delegation");
	refused("$ORIGIN .\n$TTL 60\n. SOA ns.x. host.x. 1 2 3 4 50\n. NS ns.x.\n. DNAME s.test.\n",
		"refused:5: .: DNAME at the root");
	refused(HEAD "*.a DNAME b\n", "refused:6: *.a.r.test.: DNAME at a wildcard");
	refused(HEAD "a NSEC3 1 0 0 - 0p9mhaveqvm6t7vbl5lop2u3t2rp3tom A\n", "refused:6: a.r.test.: NSEC3 at a name");
	refused(HEAD "@ NSEC3PARAM 1 0 151 -\n"
		"0p9mhaveqvm6t7vbl5lop2u3t2rp3tom NSEC3 1 0 151 - 0p9mhaveqvm6t7vbl5lop2u3t2rp3tom A\n",
		"refused:6: r.test.: NSEC3 with more than 150 iterations");
	refused(HEAD "www CH A 192.0.2.3\n", "refused:6: ");
	refused("$ORIGIN r.test.\n$TTL 60\n@ SOA ns host 1 2 3 4 5\nns A 192.0.2.1\n", "no NS record at the apex");
	refused("@ 60 SOA ns host 1 2 3 4 5\n", "refused:1: a relative name, and no $ORIGIN");
	refused("$ORIGIN r.test.\n@ SOA ns host 1 2 3 4 5\n", "refused:2: no TTL");
	both[0] = write_zone("main", HEAD);
	both[1] = write_zone("again", HEAD);
	CHECK(serve_load(&serve, both, 2, &error) < 0);
	CHECK(strstr(error.text, "zone r.test. is already given in ") != NULL);
	both[0] = "zone=/nowhere/at.all";
	CHECK(serve_load(&serve, both, 1, &error) < 0);
	CHECK_INT(error.status, WN_NO_INPUT);
	CHECK(serve_load(&serve, both, 0, &error) < 0);
	CHECK_INT(error.status, WN_USAGE);
	both[0] = "rate=7";
	CHECK(serve_load(&serve, both, 1, &error) < 0);
	CHECK_INT(error.status, WN_USAGE);
	CHECK(strstr(error.text, "it has: --zone [NAME=]FILE") != NULL);
}

/* The origin on the command line, where the file does not say it. */
static void test_origin(void)
{
	const char *path = write_zone("plain", "$TTL 60\n@ SOA ns host 1 2 3 4 5\n@ NS ns\nns A 192.0.2.1\n");
	struct wn_error error = {0};
	char named[400];
	const char *load_of = named;

	for (int dot = 0; dot < 2; dot++) {
		snprintf(named, sizeof(named), "zone=given.test%s=%s", dot ? "." : "", path + 5);
		serve_init(&serve);
		CHECK_INT(serve_load(&serve, &load_of, 1, &error), 0);
		CHECK_TEXT(error.text, "");
		CHECK_TEXT(ask("ns.given.test.", "A"), "NOERROR aa / ns.given.test. A / ns.given.test. 60 A 192.0.2.1 / /");
		serve_finish(&serve);
	}
}

/* -- $INCLUDE -- */

static void test_include(void)
{
	write_zone("inner", "one A 192.0.2.11\n@ A 192.0.2.12\n$ORIGIN deep\nx A 192.0.2.13\n$INCLUDE innermost\n");
	write_zone("innermost", "y A 192.0.2.14\n\tA 192.0.2.15"); /* no newline at the end */
	load("outer", HEAD "; words\n\n$INCLUDE inner sub ; more words\nafter A 192.0.2.16\n$INCLUDE \"inner\" other.r.test.\n"
		      "\tA 192.0.2.17\n");
	CHECK_TEXT(ask("one.sub.r.test.", "A"), "NOERROR aa / one.sub.r.test. A / one.sub.r.test. 60 A 192.0.2.11 / /");
	CHECK_TEXT(ask("x.deep.sub.r.test.", "A"),
		   "NOERROR aa / x.deep.sub.r.test. A / x.deep.sub.r.test. 60 A 192.0.2.13 / /");
	CHECK_TEXT(ask("sub.r.test.", "A"), "NOERROR aa / sub.r.test. A / sub.r.test. 60 A 192.0.2.12 / /");
	CHECK_TEXT(ask("one.other.r.test.", "A"),
		   "NOERROR aa / one.other.r.test. A / one.other.r.test. 60 A 192.0.2.11 / /");
	CHECK(strstr(ask("y.deep.sub.r.test.", "A"), "192.0.2.14; y.deep.sub.r.test. 60 A 192.0.2.15") != NULL);
	/* Origin and owner are the outer file's again. */
	CHECK(strstr(ask("after.r.test.", "A"), "192.0.2.16; after.r.test. 60 A 192.0.2.17") != NULL);
	serve_finish(&serve);
}

static void test_include_refused(void)
{
	struct wn_error error = {0};
	const char *path;
	char line[200];

	write_zone("wrong", "ok A 192.0.2.1\nbad A 192.0.2.300\n");
	refused(HEAD "$INCLUDE wrong\n", "/wrong:2: ");
	write_zone("twice", "\n\nns A 192.0.2.1\n");
	refused(HEAD "$INCLUDE twice\n", "/twice:3: ns.r.test.: the same record is given twice");
	write_zone("good", "a A 192.0.2.1\n");
	refused(HEAD "$INCLUDE good\nns A 192.0.2.1\n", "refused:7: ns.r.test.: the same record is given twice");
	path = write_zone("refused", HEAD "$INCLUDE nowhere\n");
	CHECK(serve_load(&serve, &path, 1, &error) < 0);
	CHECK_INT(error.status, WN_NO_INPUT);
	CHECK(strstr(error.text, "/nowhere: No such file") != NULL);
	refused(HEAD "$INCLUDE\n", "refused:6: $INCLUDE names no file");
	refused(HEAD "$INCLUDE good bad..name\n", "refused:6: $INCLUDE: the origin is not a name");
	refused(HEAD "$INCLUDE refused\n", "refused:6: $INCLUDE: more than 8 files within each other");
	refused(HEAD "$INCLUDE ../good\n", "refused:6: $INCLUDE: only files in the zone's own folder");
	refused(HEAD "$INCLUDE a/../../good\n", "refused:6: $INCLUDE: only files in the zone's own folder");
	snprintf(line, sizeof(line), HEAD "$INCLUDE %s/good\n", folder);
	refused(line, "refused:6: $INCLUDE: only files in the zone's own folder");
}

/* What comes through a pipe cannot be read again, which $INCLUDE needs. */
static void test_include_pipe(void)
{
	static const char zone[] = HEAD "$INCLUDE good\n";
	struct wn_error error = {0};
	char spec[64];
	const char *load_of = spec;
	int ends[2];

	if (!CHECK(!pipe(ends)))
		return;
	CHECK_INT(write(ends[1], zone, sizeof(zone) - 1), sizeof(zone) - 1);
	close(ends[1]);
	snprintf(spec, sizeof(spec), "zone=/dev/fd/%d", ends[0]);
	serve_init(&serve);
	CHECK(serve_load(&serve, &load_of, 1, &error) < 0);
	CHECK(strstr(error.text, "$INCLUDE is read in files alone") != NULL);
	close(ends[0]);
	serve_finish(&serve);
}

int main(void)
{
	const char *missing = begin();

	if (missing)
		return check_skip_all(missing);
	RUN(test_refusals);
	RUN(test_origin);
	RUN(test_include);
	RUN(test_include_refused);
	RUN(test_include_pipe);
	return finish();
}
