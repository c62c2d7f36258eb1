/* SPDX-License-Identifier: Apache-2.0 */
/* What dns answers, section by section, and what it makes of queries that are none. */
#include "tests/dns/ask.h"

static const char main_zone[] =
	"$ORIGIN example.org.\n$TTL 3600\n"
	"@ 7200 IN SOA ns1 hostmaster ( 1 7200 3600 1209600 300 )\n"
	"@ NS ns1\n@ NS ns.example.net.\n@ MX 10 mail\n@ MX 20 mx.example.net.\n@ CAA 0 issue \"ca.test\"\n"
	"ns1 A 192.0.2.1\nns1 AAAA 2001:db8::1\n"
	"www A 192.0.2.2\nwww 60 A 192.0.2.3\n"
	"MixedCase A 192.0.2.4\n"
	"mail A 192.0.2.9\n"
	"_sip._udp SRV 1 2 5060 mail\n"
	"ptr PTR www\n"
	"text TXT \"one\" \"two\"\n"
	"odd TYPE65280 \\# 3 010203\n"
	"alias CNAME alias2\nalias2 CNAME www\n"
	"lost CNAME nothing\nout CNAME www.example.net.\n"
	"loop1 CNAME loop2\nloop2 CNAME loop1\n"
	"tosub CNAME host.sub\ntoother CNAME other\ntowild CNAME any.wild\n"
	"*.wild A 192.0.2.20\n*.wild MX 5 mail\n"
	"there.wild TXT \"x\"\n"
	"*.wildalias CNAME www\n"
	"a.b.empty A 192.0.2.30\n"
	"sub NS ns.sub\nsub NS ns1\nsub NS ns.other\nsub DS 1 8 2 0102\n"
	"ns.sub A 192.0.2.40\n"
	"other NS ns.other\nns.other A 192.0.2.41\n"
	"child NS ns.child\nchild DS 2 8 2 0304\nns.child A 192.0.2.42\n"
	"below.child A 192.0.2.43\n"
	"toname CNAME ns.child\n";

static const char child_zone[] =
	"$ORIGIN child.example.org.\n$TTL 60\n"
	"@ SOA ns hostmaster 1 2 3 4 500\n@ NS ns\nns A 192.0.2.50\n";

static const char root_zone[] =
	"$ORIGIN .\n$TTL 60\n"
	". SOA a.root. host.root. 1 2 3 4 50\n. NS a.root.\nroot. NS a.root.\na.root. A 192.0.2.60\n";

static const char signed_zone[] =
	"$ORIGIN signed.test.\n$TTL 60\n"
	"@ SOA ns hostmaster 1 2 3 4 50\n@ NS ns\n"
	"@ RRSIG SOA 8 2 60 20300101000000 20200101000000 1 signed.test. AAAA\n"
	"ns A 192.0.2.70\nns RRSIG A 8 3 60 20300101000000 20200101000000 1 signed.test. BBBB\n"
	"sub NS ns.sub\nsub DS 3 8 2 05\nns.sub A 192.0.2.71\n"
	"sub RRSIG DS 8 3 60 20300101000000 20200101000000 1 signed.test. CCCC\n";

static void load_main(void)
{
	load("main", main_zone);
}

#define SOA "example.org. 300 SOA ns1.example.org. hostmaster.example.org. 1 7200 3600 1209600 300"

static void test_data(void)
{
	load_main();
	CHECK_TEXT(ask("www.example.org.", "A"),
		   "NOERROR aa / www.example.org. A / www.example.org. 60 A 192.0.2.2; "
		   "www.example.org. 60 A 192.0.2.3 / /");
	CHECK_TEXT(ask("ns1.example.org.", "AAAA"),
		   "NOERROR aa / ns1.example.org. AAAA / ns1.example.org. 3600 AAAA 2001:db8::1 / /");
	CHECK_TEXT(ask("example.org.", "SOA"),
		   "NOERROR aa / example.org. SOA / example.org. 7200 SOA ns1.example.org. "
		   "hostmaster.example.org. 1 7200 3600 1209600 300 / /");
	CHECK_TEXT(ask("example.org.", "NS"),
		   "NOERROR aa / example.org. NS / example.org. 3600 NS ns1.example.org.; "
		   "example.org. 3600 NS ns.example.net. / / ns1.example.org. 3600 A 192.0.2.1; "
		   "ns1.example.org. 3600 AAAA 2001:db8::1");
	CHECK_TEXT(ask("example.org.", "MX"),
		   "NOERROR aa / example.org. MX / example.org. 3600 MX 10 mail.example.org.; "
		   "example.org. 3600 MX 20 mx.example.net. / / mail.example.org. 3600 A 192.0.2.9");
	CHECK_TEXT(ask("_sip._udp.example.org.", "SRV"),
		   "NOERROR aa / _sip._udp.example.org. SRV / _sip._udp.example.org. 3600 SRV 1 2 5060 "
		   "mail.example.org. / / mail.example.org. 3600 A 192.0.2.9");
	CHECK_TEXT(ask("ptr.example.org.", "PTR"),
		   "NOERROR aa / ptr.example.org. PTR / ptr.example.org. 3600 PTR www.example.org. / /");
	CHECK_TEXT(ask("text.example.org.", "TXT"),
		   "NOERROR aa / text.example.org. TXT / text.example.org. 3600 TXT 036f6e650374776f / /");
	CHECK_TEXT(ask("example.org.", "CAA"),
		   "NOERROR aa / example.org. CAA / example.org. 3600 CAA 0005697373756563612e74657374 / /");
	CHECK_TEXT(ask("odd.example.org.", "TYPE65280"),
		   "NOERROR aa / odd.example.org. TYPE65280 / odd.example.org. 3600 TYPE65280 010203 / /");
}

/* Every byte of one answer: header, question, compression, TTL, data. */
static void test_bytes(void)
{
	static const uint8_t expected[] = {
		0x12, 0x34, 0x85, 0x00, 0, 1, 0, 2, 0, 0, 0, 1,
		7, 'e', 'x', 'a', 'm', 'p', 'l', 'e', 3, 'o', 'r', 'g', 0, 0, 15, 0, 1,
		0xc0, 12, 0, 15, 0, 1, 0, 0, 0x0e, 0x10, 0, 9, 0, 10, 4, 'm', 'a', 'i', 'l', 0xc0, 12,
		0xc0, 12, 0, 15, 0, 1, 0, 0, 0x0e, 0x10, 0, 18, 0, 20, 2, 'm', 'x', 7, 'e', 'x', 'a', 'm', 'p',
		'l', 'e', 3, 'n', 'e', 't', 0,
		0xc0, 43, 0, 1, 0, 1, 0, 0, 0x0e, 0x10, 0, 4, 192, 0, 2, 9,
	};

	load_main();
	ask("example.org.", "MX");
	CHECK_INT(serve.length, sizeof(expected));
	CHECK(!memcmp(serve.answer, expected, sizeof(expected)));
}

static void test_case(void)
{
	load_main();
	CHECK_TEXT(ask("wWw.ExAmPlE.oRg.", "AAAA"), "NOERROR aa / wWw.ExAmPlE.oRg. AAAA / / "
		   "ExAmPlE.oRg. 300 SOA ns1.ExAmPlE.oRg. hostmaster.ExAmPlE.oRg. 1 7200 3600 1209600 300 /");
	CHECK_TEXT(ask("mixedcase.example.org.", "A"),
		   "NOERROR aa / mixedcase.example.org. A / mixedcase.example.org. 3600 A 192.0.2.4 / /");
	CHECK_TEXT(ask("MIXEDCASE.EXAMPLE.ORG.", "A"),
		   "NOERROR aa / MIXEDCASE.EXAMPLE.ORG. A / MIXEDCASE.EXAMPLE.ORG. 3600 A 192.0.2.4 / /");
	/* '@' and '[' stand beside A and Z, '`' and '{' beside a and z: other names. */
	CHECK_TEXT(ask("mixedcas@.example.org.", "A"),
		   "NXDOMAIN aa / mixedcas@.example.org. A / / " SOA " /");
}

static void test_denials(void)
{
	load_main();
	CHECK_TEXT(ask("none.example.org.", "A"), "NXDOMAIN aa / none.example.org. A / / " SOA " /");
	CHECK_TEXT(ask("x.y.z.none.example.org.", "A"), "NXDOMAIN aa / x.y.z.none.example.org. A / / " SOA " /");
	CHECK_TEXT(ask("below.www.example.org.", "A"), "NXDOMAIN aa / below.www.example.org. A / / " SOA " /");
	CHECK_TEXT(ask("www.example.org.", "TXT"), "NOERROR aa / www.example.org. TXT / / " SOA " /");
	CHECK_TEXT(ask("b.empty.example.org.", "A"), "NOERROR aa / b.empty.example.org. A / / " SOA " /");
	CHECK_TEXT(ask("empty.example.org.", "A"), "NOERROR aa / empty.example.org. A / / " SOA " /");
	CHECK_TEXT(ask("z.empty.example.org.", "A"), "NXDOMAIN aa / z.empty.example.org. A / / " SOA " /");
	CHECK_TEXT(ask("example.com.", "A"), "REFUSED / example.com. A / / /");
	CHECK_TEXT(ask("org.", "A"), "REFUSED / org. A / / /");
	CHECK_TEXT(ask(".", "NS"), "REFUSED / . NS / / /");
	CHECK_TEXT(ask("xexample.org.", "A"), "REFUSED / xexample.org. A / / /");
}

static void test_aliases(void)
{
	load_main();
	CHECK_TEXT(ask("alias.example.org.", "A"),
		   "NOERROR aa / alias.example.org. A / alias.example.org. 3600 CNAME alias2.example.org.; "
		   "alias2.example.org. 3600 CNAME www.example.org.; www.example.org. 60 A 192.0.2.2; "
		   "www.example.org. 60 A 192.0.2.3 / /");
	CHECK_TEXT(ask("alias.example.org.", "CNAME"),
		   "NOERROR aa / alias.example.org. CNAME / alias.example.org. 3600 CNAME "
		   "alias2.example.org. / /");
	CHECK_TEXT(ask("alias2.example.org.", "TXT"),
		   "NOERROR aa / alias2.example.org. TXT / alias2.example.org. 3600 CNAME www.example.org. / "
		   SOA " /");
	CHECK_TEXT(ask("lost.example.org.", "A"),
		   "NXDOMAIN aa / lost.example.org. A / lost.example.org. 3600 CNAME nothing.example.org. / "
		   SOA " /");
	CHECK_TEXT(ask("out.example.org.", "A"),
		   "NOERROR aa / out.example.org. A / out.example.org. 3600 CNAME www.example.net. / /");
	CHECK_TEXT(ask("loop1.example.org.", "A"),
		   "NOERROR aa / loop1.example.org. A / loop1.example.org. 3600 CNAME loop2.example.org.; "
		   "loop2.example.org. 3600 CNAME loop1.example.org. / /");
	CHECK_TEXT(ask("towild.example.org.", "A"),
		   "NOERROR aa / towild.example.org. A / towild.example.org. 3600 CNAME any.wild.example.org.; "
		   "any.wild.example.org. 3600 A 192.0.2.20 / /");
	CHECK_TEXT(ask("tosub.example.org.", "A"),
		   "NOERROR aa / tosub.example.org. A / tosub.example.org. 3600 CNAME host.sub.example.org. / "
		   "sub.example.org. 3600 NS ns.sub.example.org.; sub.example.org. 3600 NS ns1.example.org.; "
		   "sub.example.org. 3600 NS ns.other.example.org. / ns.sub.example.org. 3600 A 192.0.2.40; "
		   "ns1.example.org. 3600 A 192.0.2.1; ns1.example.org. 3600 AAAA 2001:db8::1; "
		   "ns.other.example.org. 3600 A 192.0.2.41");
}

/* An alias to a delegation: DS is answered from above it, all else refers to it. */
static void test_aliases_to_cuts(void)
{
	load_main();
	CHECK_TEXT(ask("toother.example.org.", "A"),
		   "NOERROR aa / toother.example.org. A / toother.example.org. 3600 CNAME other.example.org. / "
		   "other.example.org. 3600 NS ns.other.example.org. / ns.other.example.org. 3600 A 192.0.2.41");
	CHECK_TEXT(ask("toother.example.org.", "DS"),
		   "NOERROR aa / toother.example.org. DS / toother.example.org. 3600 CNAME other.example.org. / " SOA " /");
	serve_finish(&serve);
}

/* RFC 4592. */
static void test_wildcards(void)
{
	load_main();
	CHECK_TEXT(ask("q.wild.example.org.", "A"),
		   "NOERROR aa / q.wild.example.org. A / q.wild.example.org. 3600 A 192.0.2.20 / /");
	CHECK_TEXT(ask("a.longer.q.wild.example.org.", "MX"),
		   "NOERROR aa / a.longer.q.wild.example.org. MX / a.longer.q.wild.example.org. 3600 MX 5 "
		   "mail.example.org. / / mail.example.org. 3600 A 192.0.2.9");
	CHECK_TEXT(ask("q.wild.example.org.", "TXT"), "NOERROR aa / q.wild.example.org. TXT / / " SOA " /");
	CHECK_TEXT(ask("there.wild.example.org.", "A"),
		   "NOERROR aa / there.wild.example.org. A / / " SOA " /");
	CHECK_TEXT(ask("x.there.wild.example.org.", "A"),
		   "NXDOMAIN aa / x.there.wild.example.org. A / / " SOA " /");
	CHECK_TEXT(ask("*.wild.example.org.", "A"),
		   "NOERROR aa / *.wild.example.org. A / *.wild.example.org. 3600 A 192.0.2.20 / /");
	CHECK_TEXT(ask("x.*.wild.example.org.", "A"), "NXDOMAIN aa / x.*.wild.example.org. A / / " SOA " /");
	CHECK_TEXT(ask("wild.example.org.", "A"), "NOERROR aa / wild.example.org. A / / " SOA " /");
	CHECK_TEXT(ask("q.wildalias.example.org.", "A"),
		   "NOERROR aa / q.wildalias.example.org. A / q.wildalias.example.org. 3600 CNAME "
		   "www.example.org.; www.example.org. 60 A 192.0.2.2; www.example.org. 60 A 192.0.2.3 / /");
}

#define SUB                                                                                        \
	"sub.example.org. 3600 NS ns.sub.example.org.; sub.example.org. 3600 NS ns1.example.org.; "  \
	"sub.example.org. 3600 NS ns.other.example.org. / ns.sub.example.org. 3600 A 192.0.2.40; "   \
	"ns1.example.org. 3600 A 192.0.2.1; ns1.example.org. 3600 AAAA 2001:db8::1; "                \
	"ns.other.example.org. 3600 A 192.0.2.41"

static void test_delegations(void)
{
	load_main();
	CHECK_TEXT(ask("sub.example.org.", "A"), "NOERROR / sub.example.org. A / / " SUB);
	CHECK_TEXT(ask("sub.example.org.", "NS"), "NOERROR / sub.example.org. NS / / " SUB);
	CHECK_TEXT(ask("deep.er.sub.example.org.", "A"), "NOERROR / deep.er.sub.example.org. A / / " SUB);
	CHECK_TEXT(ask("ns.sub.example.org.", "A"), "NOERROR / ns.sub.example.org. A / / " SUB);
	CHECK_TEXT(ask("x.sub.example.org.", "DS"), "NOERROR / x.sub.example.org. DS / / " SUB);
	CHECK_TEXT(ask("sub.example.org.", "DS"),
		   "NOERROR aa / sub.example.org. DS / sub.example.org. 3600 DS 000108020102 / /");
	CHECK_TEXT(ask("other.example.org.", "DS"), "NOERROR aa / other.example.org. DS / / " SOA " /");
	CHECK_TEXT(ask("other.example.org.", "TXT"),
		   "NOERROR / other.example.org. TXT / / other.example.org. 3600 NS ns.other.example.org. / "
		   "ns.other.example.org. 3600 A 192.0.2.41");
}

/* A parent and its child on one server: the child answers, but for DS. */
static void test_two_zones(void)
{
	const char *paths[] = {write_zone("main", main_zone), write_zone("child", child_zone)};
	struct wn_error error = {0};

	for (int turn = 0; turn < 2; turn++) {
		const char *ordered[] = {paths[turn], paths[1 - turn]};

		serve_init(&serve);
		CHECK_INT(serve_load(&serve, ordered, 2, &error), 0);
		CHECK_TEXT(error.text, "");
		CHECK_TEXT(ask("ns.child.example.org.", "A"),
			   "NOERROR aa / ns.child.example.org. A / ns.child.example.org. 60 A 192.0.2.50 / /");
		CHECK_TEXT(ask("below.child.example.org.", "A"),
			   "NXDOMAIN aa / below.child.example.org. A / / child.example.org. 60 SOA "
			   "ns.child.example.org. hostmaster.child.example.org. 1 2 3 4 500 /");
		CHECK_TEXT(ask("child.example.org.", "DS"),
			   "NOERROR aa / child.example.org. DS / child.example.org. 3600 DS 000208020304 / /");
		CHECK_TEXT(ask("child.example.org.", "NS"),
			   "NOERROR aa / child.example.org. NS / child.example.org. 60 NS "
			   "ns.child.example.org. / / ns.child.example.org. 60 A 192.0.2.50");
		CHECK_TEXT(ask("www.example.org.", "TXT"), "NOERROR aa / www.example.org. TXT / / " SOA " /");
		/* Of the parent an alias into the child is not followed: it is another zone. */
		CHECK_TEXT(ask("toname.example.org.", "A"),
			   "NOERROR aa / toname.example.org. A / toname.example.org. 3600 CNAME "
			   "ns.child.example.org. / /");
		serve_finish(&serve);
	}
}

static void test_root(void)
{
	load("root", root_zone);
	CHECK_TEXT(ask(".", "NS"), "NOERROR aa / . NS / . 60 NS a.root. / / a.root. 60 A 192.0.2.60");
	CHECK_TEXT(ask("org.", "A"), "NXDOMAIN aa / org. A / / . 50 SOA a.root. host.root. 1 2 3 4 50 /");
	CHECK_TEXT(ask("a.root.", "A"),
		   "NOERROR / a.root. A / / root. 60 NS a.root. / a.root. 60 A 192.0.2.60");
	CHECK_TEXT(ask(".", "TXT"), "NOERROR aa / . TXT / / . 50 SOA a.root. host.root. 1 2 3 4 50 /");
	serve_finish(&serve);
}

static void test_any(void)
{
	load_main();
	/* RFC 8482, section 4.1: one set of those that are there. */
	CHECK_TEXT(ask("ns1.example.org.", "ANY"),
		   "NOERROR aa / ns1.example.org. ANY / ns1.example.org. 3600 A 192.0.2.1 / /");
	CHECK_TEXT(ask("alias.example.org.", "ANY"),
		   "NOERROR aa / alias.example.org. ANY / alias.example.org. 3600 CNAME alias2.example.org. / /");
	CHECK_TEXT(ask("none.example.org.", "ANY"), "NXDOMAIN aa / none.example.org. ANY / / " SOA " /");
	CHECK_TEXT(ask("b.empty.example.org.", "ANY"), "NOERROR aa / b.empty.example.org. ANY / / " SOA " /");
}

static void test_signed(void)
{
	static const char signature[] = "003c70dbd8805e0be100000106736967";

	load("signed", signed_zone);
	CHECK_TEXT(ask_edns("ns.signed.test.", "A", 1232, 0),
		   "NOERROR aa / ns.signed.test. A / ns.signed.test. 60 A 192.0.2.70 / / . OPT 1232 00000000 ");
	CHECK(strstr(ask_edns("ns.signed.test.", "A", 1232, 1),
		     "192.0.2.70; ns.signed.test. 60 RRSIG 000108030000") != NULL);
	CHECK(strstr(text, " / / . OPT 1232 00008000 ") != NULL);
	CHECK(strstr(text, signature) != NULL);
	CHECK(strstr(ask_edns("no.signed.test.", "A", 1232, 1), "50 RRSIG 000608020000003c") != NULL);
	CHECK(strstr(ask_edns("no.signed.test.", "A", 1232, 0), "RRSIG") == NULL);
	CHECK(strstr(ask_edns("x.sub.signed.test.", "A", 1232, 1),
		     "ns.sub.signed.test.; sub.signed.test. 60 DS 0003080205; sub.signed.test. 60 RRSIG "
		     "002b08030000003c") != NULL);
	CHECK(strstr(ask_edns("x.sub.signed.test.", "A", 1232, 0), " DS ") == NULL);
	CHECK(strstr(ask("ns.signed.test.", "RRSIG"), "ns.signed.test. 60 RRSIG 0001") != NULL);
	serve_finish(&serve);
}

/* -- EDNS and size -- */

static void test_edns(void)
{
	uint8_t query[600];
	unsigned used;

	load_main();
	CHECK_TEXT(ask_edns("none.example.org.", "A", 4096, 0),
		   "NXDOMAIN aa / none.example.org. A / / " SOA " / . OPT 1232 00000000 ");
	CHECK_TEXT(ask_edns("x.test.", "A", 4096, 1), "REFUSED / x.test. A / / / . OPT 1232 00008000 ");
	used = message_query(query, "www.example.org.", 1);
	used = message_add_edns(query, used, 4096, 1, 1);
	CHECK_TEXT(answer_to(query, used), "NOERROR / www.example.org. A / / / . OPT 1232 01008000 ");
	/* An option that nobody knows is passed over. */
	used = message_query(query, "www.example.org.", 28);
	used = message_add_edns(query, used, 4096, 0, 0);
	query[used - 1] = 7;
	memcpy(query + used, "\xff\xf0\0\3abc", 7);
	CHECK_TEXT(answer_to(query, used + 7),
		   "NOERROR aa / www.example.org. AAAA / / " SOA " / . OPT 1232 00000000 ");
}

/* A name with more and more addresses, asked for with every size that a client can name. */
static void test_sizes(void)
{
	char lines[32768];
	size_t at = (size_t)snprintf(lines, sizeof(lines),
				     "$ORIGIN big.test.\n$TTL 60\n@ SOA ns host 1 2 3 4 5\n@ NS ns\nns A 192.0.2.1\n");

	for (int i = 0; i < 300; i++)
		at += (size_t)snprintf(lines + at, sizeof(lines) - at, "n%d A 10.0.%d.%d\nbig A 10.1.%d.%d\n", i % 70,
				       i / 250, i % 250, i / 250, i % 250);
	for (int i = 0; i < 40; i++)
		at += (size_t)snprintf(lines + at, sizeof(lines) - at, "many MX %d n%d\n", i, i);
	load("big", lines);
	serve.parameters[parameter_payload] = 4096;
	CHECK_TEXT(ask_edns("big.big.test.", "A", 512, 0), "NOERROR aa tc / big.big.test. A / / / . OPT 4096 00000000 ");
	CHECK_TEXT(ask("big.big.test.", "A"), "NOERROR aa tc / big.big.test. A / / /");
	/* 300 addresses take 4800 bytes: none may ask for that. */
	CHECK_TEXT(ask_edns("big.big.test.", "A", 65535, 0), "NOERROR aa tc / big.big.test. A / / / . OPT 4096 00000000 ");
	for (unsigned payload = 500; payload < 2100; payload++) {
		const unsigned most = payload < 512 ? 512 : payload < SERVE_ROOM ? payload : SERVE_ROOM;
		const char *answer = ask_edns("many.big.test.", "MX", payload, 0);

		CHECK(serve.length <= most);
		/* All of the set, or TC; additional records as they fit, and whole sets: 4 or 5 addresses. */
		CHECK(strstr(answer, "NOERROR aa / many") || strstr(answer, "NOERROR aa tc / many.big.test. MX / / /"));
	}
	CHECK(strstr(ask_edns("many.big.test.", "MX", 1500, 0), "n0.big.test. 60 A") != NULL);
	CHECK(serve.length > 1500 - 5 * 16);
	serve_finish(&serve);
}

/* A set is in the additional section whole or not at all. */
static void test_whole_sets(void)
{
	char lines[4096];
	size_t at = (size_t)snprintf(lines, sizeof(lines),
				     "$ORIGIN sets.test.\n$TTL 60\n@ SOA ns host 1 2 3 4 5\n@ NS ns\nns A 192.0.2.1\n"
				     "m MX 1 a\nm MX 2 b\n");

	for (int i = 0; i < 14; i++)
		at += (size_t)snprintf(lines + at, sizeof(lines) - at, "a A 10.0.0.%d\nb A 10.0.1.%d\n", i, i);
	load("sets", lines);
	CHECK(strstr(ask("m.sets.test.", "MX"), "a.sets.test. 60 A 10.0.0.13") != NULL);
	CHECK(strstr(text, "b.sets.test. 60 A") == NULL);
	CHECK(strstr(ask_edns("m.sets.test.", "MX", 1000, 0), "b.sets.test. 60 A 10.0.1.13") != NULL);
	serve_finish(&serve);
}

/* -- queries that are none -- */

static void test_malformed(void)
{
	uint8_t query[1200], good[600];
	const unsigned length = message_query(good, "www.example.org.", 1);

	load_main();
	for (unsigned cut = 0; cut < length; cut++)
		CHECK_TEXT(answer_to(good, cut), cut < 12 ? "dropped" : "FORMERR / / / /");
	memcpy(query, good, sizeof(good));
	CHECK_TEXT(answer_to(query, length + 1), "FORMERR / / / /"); /* a byte behind the end */
	query[2] |= 0x80;
	CHECK_TEXT(answer_to(query, length), "dropped"); /* an answer */
	memcpy(query, good, sizeof(good));
	for (unsigned opcode = 1; opcode < 16; opcode++) {
		query[2] = (uint8_t)(opcode << 3);
		CHECK_TEXT(answer_to(query, length), "NOTIMP / / / /");
	}
	memcpy(query, good, sizeof(good));
	query[5] = 0;
	CHECK_TEXT(answer_to(query, 12), "FORMERR / / / /"); /* no question */
	query[5] = 2;
	memcpy(query + length, good + 12, length - 12);
	CHECK_TEXT(answer_to(query, 2 * length - 12), "FORMERR / / / /"); /* two */
	memcpy(query, good, sizeof(good));
	query[7] = 1;
	CHECK_TEXT(answer_to(query, length), "FORMERR / / / /"); /* an answer in a query */
	CHECK_INT(serve.counts[counter_not_queries], 13);
}

static void test_classes(void)
{
	uint8_t query[600];
	const unsigned length = message_query(query, "www.example.org.", 1);

	load_main();
	query[length - 1] = 3;
	serve_packet(&serve, query, length);
	CHECK_INT(serve.answer[3] & 15, 5); /* CHAOS: refused */
	query[length - 1] = 255;
	serve_packet(&serve, query, length);
	CHECK_INT(serve.answer[3] & 15, 5);
	CHECK_TEXT(ask("example.org.", "AXFR"), "REFUSED / example.org. AXFR / / /");
	CHECK_TEXT(ask("example.org.", "IXFR"), "REFUSED / example.org. IXFR / / /");
}

static void test_names(void)
{
	uint8_t query[1200];
	unsigned used;

	load_main();
	/* 127 labels of one byte are 255 bytes: the longest name there is. */
	for (unsigned labels = 126; labels < 130; labels++) {
		memset(query, 0, sizeof(query));
		query[5] = 1;
		used = 12;
		for (unsigned i = 0; i < labels; i++) {
			query[used++] = 1;
			query[used++] = 'x';
		}
		query[used + 2] = 1;
		query[used + 4] = 1;
		serve_packet(&serve, query, used + 5);
		CHECK_INT(serve.answer[3] & 15, labels > 127 ? 1 : 5);
	}
	/* Four labels of 63 are 257 bytes; with the last of 61 they are 255. */
	for (unsigned last = 60; last < 64; last++) {
		memset(query, 'y', sizeof(query));
		memset(query, 0, 12);
		query[5] = 1;
		query[12] = query[76] = query[140] = 63;
		query[204] = (uint8_t)last;
		used = 205 + last;
		memcpy(query + used, "\0\0\1\0\1", 5);
		serve_packet(&serve, query, used + 5);
		CHECK_INT(serve.answer[3] & 15, last > 61 ? 1 : 5);
	}
	/* Pointers: at themselves, forward, at the header; and the label types that are none. */
	used = message_query(query, "www.example.org.", 1);
	for (unsigned what = 0x40; what < 0x100; what++) {
		for (unsigned low = 0; low < 40; low++) {
			query[12] = (uint8_t)what;
			query[13] = (uint8_t)low;
			serve_packet(&serve, query, used);
			CHECK_INT(serve.answer[3] & 15, 1);
		}
	}
}

static void test_bad_edns(void)
{
	uint8_t query[1200], good[600];
	const unsigned plain = message_query(good, "www.example.org.", 1);
	const unsigned length = message_add_edns(good, plain, 1232, 0, 0);

	load_main();
	for (unsigned cut = plain; cut < length; cut++)
		CHECK_TEXT(answer_to(good, cut), "FORMERR / / / /");
	memcpy(query, good, sizeof(good)); /* two of them */
	CHECK_TEXT(answer_to(query, message_add_edns(query, length, 1232, 0, 0)), "FORMERR / / / /");
	memcpy(query, good, sizeof(good));
	query[length - 1] = 1; /* data that are not there */
	CHECK_TEXT(answer_to(query, length), "FORMERR / / / /");
	memcpy(query, good, sizeof(good));
	query[length - 1] = 4; /* an option longer than the record */
	memcpy(query + length, "\0\3\0\1", 4);
	CHECK_TEXT(answer_to(query, length + 4), "FORMERR / / / /");
	query[length - 1] = 2; /* half an option */
	CHECK_TEXT(answer_to(query, length + 2), "FORMERR / / / /");
	memcpy(query, good, plain); /* an owner that is not the root */
	query[11] = 1;
	query[plain] = 1;
	query[plain + 1] = 'x';
	memcpy(query + plain + 2, good + plain, 11);
	CHECK_TEXT(answer_to(query, length + 2), "FORMERR / / / /");
	memcpy(query, good, sizeof(good)); /* more records than are looked at */
	query[11] = 9;
	CHECK_TEXT(answer_to(query, length), "FORMERR / / / /");
}

/* Whatever a packet's bytes are, its answer holds no byte of the slot behind it. */
static void test_canary(void)
{
	static const char *const names[] = {"www.example.org.", "q.wild.example.org.", "x.sub.example.org.", "."};
	uint8_t query[600];
	uint32_t random = 9, replies = 0;

	load_main();
	for (int i = 0; i < 200000; i++) {
		unsigned used = message_query(query, names[i % 4], (unsigned)i / 4 % 50);

		if (i & 16)
			used = message_add_edns(query, used, 512 + (unsigned)i % 2000, 0, i & 32);
		for (int k = i % 3; k > 0; k--) {
			random = random * 1664525 + 1013904223;
			query[(random >> 8) % used] = (uint8_t)(random >> 24);
		}
		if (i % 5 == 0)
			used = (random >> 10) % (used + 1);
		serve_packet(&serve, query, used);
		replies += serve.code == WN_REPLY;
		CHECK(serve.code == WN_REPLY || serve.code == WN_DROP);
		for (uint32_t at = 0, run = 0; at < serve.length; at++) {
			run = serve.answer[at] == SERVE_CANARY ? run + 1 : 0;
			if (!CHECK(run < 4))
				return;
		}
	}
	CHECK(replies > 100000);
}

/* A slot with little room truncates; one with none for the answer's own header cannot be. */
static void test_small_room(void)
{
	load_main();
	for (uint32_t room = 64; room < 256; room++) {
		serve.room = room;
		CHECK(strncmp(ask_edns("sub.example.org.", "A", 1232, 0), "NOERROR", 7) == 0);
		CHECK(serve.length <= room);
	}
	CHECK_INT(strncmp(text, "NOERROR / ", 10), 0);
	serve.room = 64;
	CHECK_TEXT(ask_edns("sub.example.org.", "A", 1232, 0), "NOERROR tc / sub.example.org. A / / / . OPT 1232 00000000 ");
}

/* -- rate limiting -- */

static uint32_t answered_of(uint32_t count, uint32_t *slipped)
{
	uint32_t answered = 0;

	*slipped = 0;
	for (uint32_t i = 0; i < count; i++) {
		const char *answer = ask("www.example.org.", "A");

		if (!strcmp(answer, "NOERROR tc / www.example.org. A / / /"))
			*slipped += 1;
		else
			answered += strcmp(answer, "dropped") != 0;
	}
	return answered;
}

static void test_rate_limit(void)
{
	uint32_t slipped;

	load_main();
	CHECK_INT(answered_of(1000, &slipped), 1000); /* the harness begins with no limit */
	serve.parameters[parameter_rate_limit] = 100;
	serve.now_ns = 5000000000;
	CHECK_INT(answered_of(300, &slipped), 100);
	CHECK_INT(slipped, 100);
	serve.peer[3] = 77; /* the same /24 */
	CHECK_INT(answered_of(10, &slipped), 0);
	serve.peer[2] = 3; /* another */
	CHECK_INT(answered_of(50, &slipped), 50);
	serve.now_ns += 1000000000;
	CHECK_INT(answered_of(300, &slipped), 100);
	serve.peer[0] = 127; /* loopback */
	CHECK_INT(answered_of(300, &slipped), 300);
	CHECK_INT(serve.counts[counter_limited_slipped], 205);
	CHECK_INT(serve.counts[counter_limited_dropped], 205);
	serve_finish(&serve);
}

static void test_rate_limit_ipv6(void)
{
	static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
	uint32_t slipped;

	load_main();
	serve.parameters[parameter_rate_limit] = 100;
	serve.is_six = 1;
	memset(serve.peer, 0, 16);
	serve.peer[15] = 1; /* ::1 */
	CHECK_INT(answered_of(300, &slipped), 300);
	serve.peer[0] = 0x20;
	CHECK_INT(answered_of(300, &slipped), 100);
	serve.peer[7] = 9; /* the same /56 */
	CHECK_INT(answered_of(50, &slipped), 0);
	serve.peer[6] = 9; /* another */
	CHECK_INT(answered_of(50, &slipped), 50);
	memcpy(serve.peer, mapped, 12);
	serve.peer[12] = 127; /* IPv4 loopback by way of IPv6 */
	CHECK_INT(answered_of(300, &slipped), 300);
	serve.peer[12] = 10;
	CHECK_INT(answered_of(300, &slipped), 100);
	serve_finish(&serve);
}

/* No blob at all, as with a device that has none yet: everything is refused. */
static void test_no_zone(void)
{
	serve_init(&serve);
	CHECK_TEXT(ask("www.example.org.", "A"), "REFUSED / www.example.org. A / / /");
}

#define HEAD "$ORIGIN r.test.\n$TTL 60\n@ SOA ns host 1 2 3 4 5\n@ NS ns\nns A 192.0.2.1\n"

/* Many names: each is found, and none that is not there. */
static void test_many_names(void)
{
	enum { NAMES = 20000 };
	const size_t room = NAMES * 64 + 256;
	char *lines = malloc(room), name[64], expected[200];
	size_t at;

	if (!CHECK(lines != NULL))
		return;
	at = (size_t)snprintf(lines, room, HEAD);
	for (int i = 0; i < NAMES; i++)
		at += (size_t)snprintf(lines + at, room - at, "h%d.s%d A 10.%d.%d.%d\n", i, i % 97, i >> 16, i >> 8 & 255,
				       i & 255);
	load("many", lines);
	for (int i = 0; i < NAMES; i++) {
		snprintf(name, sizeof(name), "h%d.s%d.r.test.", i, i % 97);
		snprintf(expected, sizeof(expected), "NOERROR aa / %s A / %s 60 A 10.%d.%d.%d / /", name, name, i >> 16,
			 i >> 8 & 255, i & 255);
		CHECK_TEXT(ask(name, "A"), expected);
		snprintf(name, sizeof(name), "h%d.s%d.r.test.", i, i % 97 + 1);
		CHECK_INT(strncmp(ask(name, "A"), "NXDOMAIN", 8), 0);
	}
	free(lines);
	serve_finish(&serve);
}

int main(void)
{
	const char *missing = begin();

	if (missing)
		return check_skip_all(missing);
	RUN(test_data);
	RUN(test_bytes);
	RUN(test_case);
	RUN(test_denials);
	RUN(test_aliases);
	RUN(test_aliases_to_cuts);
	RUN(test_wildcards);
	RUN(test_delegations);
	RUN(test_two_zones);
	RUN(test_root);
	RUN(test_any);
	RUN(test_signed);
	RUN(test_edns);
	RUN(test_sizes);
	RUN(test_whole_sets);
	RUN(test_malformed);
	RUN(test_classes);
	RUN(test_names);
	RUN(test_bad_edns);
	RUN(test_canary);
	RUN(test_small_room);
	RUN(test_rate_limit);
	RUN(test_rate_limit_ipv6);
	RUN(test_no_zone);
	RUN(test_many_names);
	return finish();
}
