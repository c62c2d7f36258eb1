/* SPDX-License-Identifier: Apache-2.0 */
/* DNAME (RFC 6672): names below it, aliases into it, what becomes too long. */
#include "tests/dns/ask.h"

#define L50 "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeee"

static const char zone[] =
	"$ORIGIN example.org.\n$TTL 60\n@ SOA ns host 1 2 3 4 50\n@ NS ns\nns A 192.0.2.1\n"
	"old 30 DNAME new\nold A 192.0.2.2\nold TXT \"x\"\n"
	"hidden.old A 192.0.2.3\n"
	"www.new A 192.0.2.4\nmail.new MX 1 www.new\n*.wild.new A 192.0.2.5\n"
	"away DNAME example.net.\n"
	"alias CNAME www.old\nlost CNAME none.old\nout CNAME www.away\ntwice CNAME a.first\nloop CNAME a.round\n"
	"first DNAME second\nsecond DNAME new\na.new A 192.0.2.6\nround DNAME x.round\n"
	"*.any CNAME www.old\n"
	"tocut DNAME cut\ncut NS ns.cut\nns.cut A 192.0.2.7\nintocut CNAME b.tocut\n"
	"long DNAME " L50 "." L50 "." L50 "." L50 ".example.org.\n"
	"toolong CNAME " L50 ".long\n";

#define SOA "example.org. 50 SOA ns.example.org. host.example.org. 1 2 3 4 50"

static void load_zone(void)
{
	load("redirect", zone);
}

static void test_below(void)
{
	load_zone();
	CHECK_TEXT(ask("www.old.example.org.", "A"),
		   "NOERROR aa / www.old.example.org. A / old.example.org. 30 DNAME new.example.org.; "
		   "www.old.example.org. 30 CNAME www.new.example.org. / /");
	/* Whatever the type, and as it was asked. */
	CHECK_TEXT(ask("A.b.OLD.example.ORG.", "DNAME"),
		   "NOERROR aa / A.b.OLD.example.ORG. DNAME / OLD.example.ORG. 30 DNAME new.example.org.; "
		   "A.b.OLD.example.ORG. 30 CNAME A.b.new.example.org. / /");
	CHECK_TEXT(ask("hidden.old.example.org.", "ANY"),
		   "NOERROR aa / hidden.old.example.org. ANY / old.example.org. 30 DNAME new.example.org.; "
		   "hidden.old.example.org. 30 CNAME hidden.new.example.org. / /");
	CHECK_TEXT(ask("x.away.example.org.", "MX"),
		   "NOERROR aa / x.away.example.org. MX / away.example.org. 60 DNAME example.net.; "
		   "x.away.example.org. 60 CNAME x.example.net. / /");
	CHECK_TEXT(ask_edns("x.away.example.org.", "MX", 1232, 0),
		   "NOERROR aa / x.away.example.org. MX / away.example.org. 60 DNAME example.net.; "
		   "x.away.example.org. 60 CNAME x.example.net. / / . OPT 1232 00000000 ");
	serve_finish(&serve);
}

/* The owner is not below itself. */
static void test_owner(void)
{
	load_zone();
	CHECK_TEXT(ask("old.example.org.", "A"),
		   "NOERROR aa / old.example.org. A / old.example.org. 60 A 192.0.2.2 / /");
	CHECK_TEXT(ask("old.example.org.", "DNAME"),
		   "NOERROR aa / old.example.org. DNAME / old.example.org. 30 DNAME new.example.org. / /");
	CHECK_TEXT(ask("old.example.org.", "MX"), "NOERROR aa / old.example.org. MX / / " SOA " /");
	/* What is kept under a reserved type answers nobody. */
	uint8_t query[600];
	const unsigned length = message_query(query, "old.example.org.", 65535);

	CHECK_TEXT(answer_to(query, length), "NOERROR aa / old.example.org. TYPE65535 / / " SOA " /");
	serve_finish(&serve);
}

/* Aliases into it are followed, within the zone. */
static void test_aliases(void)
{
	load_zone();
	CHECK_TEXT(ask("alias.example.org.", "A"),
		   "NOERROR aa / alias.example.org. A / alias.example.org. 60 CNAME www.old.example.org.; "
		   "old.example.org. 30 DNAME new.example.org.; www.old.example.org. 30 CNAME www.new.example.org.; "
		   "www.new.example.org. 60 A 192.0.2.4 / /");
	CHECK_TEXT(ask("alias.example.org.", "TXT"),
		   "NOERROR aa / alias.example.org. TXT / alias.example.org. 60 CNAME www.old.example.org.; "
		   "old.example.org. 30 DNAME new.example.org.; www.old.example.org. 30 CNAME www.new.example.org. / "
		   SOA " /");
	CHECK_TEXT(ask("lost.example.org.", "A"),
		   "NXDOMAIN aa / lost.example.org. A / lost.example.org. 60 CNAME none.old.example.org.; "
		   "old.example.org. 30 DNAME new.example.org.; none.old.example.org. 30 CNAME none.new.example.org. / "
		   SOA " /");
	CHECK_TEXT(ask("out.example.org.", "A"),
		   "NOERROR aa / out.example.org. A / out.example.org. 60 CNAME www.away.example.org.; "
		   "away.example.org. 60 DNAME example.net.; www.away.example.org. 60 CNAME www.example.net. / /");
	CHECK(strstr(ask("twice.example.org.", "A"),
		     "a.first.example.org. 60 CNAME a.second.example.org.; second.example.org. 60 DNAME "
		     "new.example.org.; a.second.example.org. 60 CNAME a.new.example.org.; a.new.example.org. 60 A "
		     "192.0.2.6 / /") != NULL);
	CHECK(strstr(ask("q.any.example.org.", "A"), "q.any.example.org. 60 CNAME www.old.example.org.; "
		     "old.example.org. 30 DNAME") != NULL);
	CHECK(strstr(text, "www.new.example.org. 60 A 192.0.2.4 / /") != NULL);
	CHECK(strstr(ask("intocut.example.org.", "A"), "b.tocut.example.org. 60 CNAME b.cut.example.org. / "
		     "cut.example.org. 60 NS ns.cut.example.org. / ns.cut.example.org. 60 A 192.0.2.7") != NULL);
	serve_finish(&serve);
}

/* Ever longer names end. */
static void test_loop(void)
{
	load_zone();
	CHECK(!strncmp(ask_edns("loop.example.org.", "A", 4096, 0), "NOERROR aa / loop.example.org. A / ", 35) ||
	      strstr(text, " tc /"));
	serve_finish(&serve);
}

static void test_too_long(void)
{
	load_zone();
	/* 4 * 51 + 13 bytes of the target and 38 of the label are the most: 255. */
	CHECK(!strncmp(ask_edns("aaaaaaaaaabbbbbbbbbbccccccccccddddddd.long.example.org.", "A", 1232, 0), "NOERROR aa ", 11));
	CHECK(strstr(text, "CNAME aaaaaaaaaabbbbbbbbbbccccccccccddddddd." L50) != NULL);
	CHECK(!strncmp(ask("aaaaaaaaaabbbbbbbbbbccccccccccdddddddd.long.example.org.", "A"), "YXDOMAIN aa ", 12));
	CHECK(strstr(text, "long.example.org. 60 DNAME " L50) != NULL);
	CHECK(strstr(text, "CNAME") == NULL);
	CHECK_INT(serve.counts[counter_yxdomain], 1);
	CHECK(!strncmp(ask("toolong.example.org.", "A"), "YXDOMAIN aa / toolong", 21));
	CHECK_INT(serve.counts[counter_yxdomain], 2);
	serve_finish(&serve);
}

/* At the apex all names but its own are redirected. */
static void test_apex(void)
{
	load("apex", "$ORIGIN r.test.\n$TTL 60\n@ SOA ns.x. host.x. 1 2 3 4 50\n@ NS ns.x.\n@ DNAME s.test.\n");
	CHECK_TEXT(ask("a.r.test.", "A"), "NOERROR aa / a.r.test. A / r.test. 60 DNAME s.test.; "
		   "a.r.test. 60 CNAME a.s.test. / /");
	CHECK_TEXT(ask("r.test.", "NS"), "NOERROR aa / r.test. NS / r.test. 60 NS ns.x. / /");
	CHECK_TEXT(ask("r.test.", "A"), "NOERROR aa / r.test. A / / r.test. 50 SOA ns.x. host.x. 1 2 3 4 50 /");
	serve_finish(&serve);
}

/* Signed: the DNAME is, the alias that is made of it is not (RFC 6672, section 5.3.1). */
static void test_signed(void)
{
	load("signed", "$ORIGIN r.test.\n$TTL 60\n@ SOA ns.x. host.x. 1 2 3 4 50\n@ NS ns.x.\nd DNAME s.test.\n"
		       "d RRSIG DNAME 8 3 60 20300101000000 20200101000000 1 r.test. AAAA\n");
	CHECK_TEXT(ask_edns("a.d.r.test.", "A", 1232, 0), "NOERROR aa / a.d.r.test. A / d.r.test. 60 DNAME s.test.; "
		   "a.d.r.test. 60 CNAME a.s.test. / / . OPT 1232 00000000 ");
	CHECK_TEXT(ask_edns("a.d.r.test.", "A", 1232, 1), "NOERROR aa / a.d.r.test. A / d.r.test. 60 DNAME s.test.; "
		   "d.r.test. 60 RRSIG 002708030000003c70dbd8805e0be10000010172047465737400000000; "
		   "a.d.r.test. 60 CNAME a.s.test. / / . OPT 1232 00008000 ");
	serve_finish(&serve);
}

int main(void)
{
	const char *missing = begin();

	if (missing)
		return check_skip_all(missing);
	RUN(test_below);
	RUN(test_owner);
	RUN(test_aliases);
	RUN(test_loop);
	RUN(test_too_long);
	RUN(test_apex);
	RUN(test_signed);
	return finish();
}
