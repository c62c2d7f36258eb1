/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Proofs of what is not there, on the two example zones of the RFCs: RFC 4035, appendices A and B, and RFC
 * 5155, appendices A and B, whose names, hashes and answers these are. Signatures are stand-ins: nobody
 * here checks one.
 */
#include "tests/dns/ask.h"

#define SIGN(name, type) name " RRSIG " type " 8 2 3600 20300101000000 20200101000000 1 example. AAAA\n"
#define NSEC(name, next, types) name " NSEC " next " " types "\n" SIGN(name, "NSEC")
#define NSEC3(hash, next, types) hash " NSEC3 1 1 12 aabbccdd " next " " types "\n" SIGN(hash, "NSEC3")

#define HEAD                                                                                       \
	"$ORIGIN example.\n$TTL 3600\n@ SOA ns1 bugs.x.w 1081539377 3600 300 3600000 3600\n" SIGN("@", "SOA")    \
	"@ NS ns1\n@ NS ns2\n" SIGN("@", "NS") "@ MX 1 xx\n" SIGN("@", "MX")                                     \
	"a NS ns1.a\na NS ns2.a\na DS 57855 5 1 B6DCD485719ADCA18E5F3D48A2331627FDD3636B\n" SIGN("a", "DS")      \
	"ns1.a A 192.0.2.5\nns2.a A 192.0.2.6\nai A 192.0.2.9\n" SIGN("ai", "A")                                 \
	"ns1 A 192.0.2.1\n" SIGN("ns1", "A") "ns2 A 192.0.2.2\n" SIGN("ns2", "A")                                \
	"*.w MX 1 ai\n" SIGN("*.w", "MX") "x.w MX 1 xx\n" SIGN("x.w", "MX")                                      \
	"x.y.w MX 1 xx\n" SIGN("x.y.w", "MX") "xx A 192.0.2.10\n" SIGN("xx", "A")                                \
	"tolost CNAME nothing.x.w\n" SIGN("tolost", "CNAME") "towild CNAME a.z.w\n" SIGN("towild", "CNAME")      \
	"tonodata CNAME ns1\n" SIGN("tonodata", "CNAME")

/* The three aliases are ours, and stand aside of the RFC's names where they can. */
static const char named_zone[] =
	HEAD "b NS ns1.b\nns1.b A 192.0.2.7\n"
	NSEC("@", "a", "NS SOA MX RRSIG NSEC DNSKEY") NSEC("a", "ai", "NS DS RRSIG NSEC")
	NSEC("ai", "b", "A RRSIG NSEC") NSEC("b", "ns1", "NS RRSIG NSEC") NSEC("ns1", "ns2", "A RRSIG NSEC")
	NSEC("ns2", "tolost", "A RRSIG NSEC") NSEC("tolost", "tonodata", "CNAME RRSIG NSEC")
	NSEC("tonodata", "towild", "CNAME RRSIG NSEC") NSEC("towild", "*.w", "CNAME RRSIG NSEC")
	NSEC("*.w", "x.w", "MX RRSIG NSEC") NSEC("x.w", "x.y.w", "MX RRSIG NSEC")
	NSEC("x.y.w", "xx", "MX RRSIG NSEC") NSEC("xx", "@", "A RRSIG NSEC");

/* The aliases have none: that is as if they were not there, which these answers do not depend on. */
static const char hashed_zone[] =
	HEAD "c NS ns1.c\nns1.c A 192.0.2.7\n@ NSEC3PARAM 1 0 12 aabbccdd\n" SIGN("@", "NSEC3PARAM")
	NSEC3("0p9mhaveqvm6t7vbl5lop2u3t2rp3tom", "2t7b4g4vsa5smi47k61mv5bv1a22bojr", "MX DNSKEY NS SOA NSEC3PARAM RRSIG")
	NSEC3("2t7b4g4vsa5smi47k61mv5bv1a22bojr", "2vptu5timamqttgl4luu9kg21e0aor3s", "A RRSIG")
	NSEC3("2vptu5timamqttgl4luu9kg21e0aor3s", "35mthgpgcu1qg68fab165klnsnk3dpvl", "MX RRSIG")
	NSEC3("35mthgpgcu1qg68fab165klnsnk3dpvl", "b4um86eghhds6nea196smvmlo4ors995", "NS DS RRSIG")
	NSEC3("b4um86eghhds6nea196smvmlo4ors995", "gjeqe526plbf1g8mklp59enfd789njgi", "MX RRSIG")
	NSEC3("gjeqe526plbf1g8mklp59enfd789njgi", "ji6neoaepv8b5o6k4ev33abha8ht9fgc", "A RRSIG")
	NSEC3("ji6neoaepv8b5o6k4ev33abha8ht9fgc", "k8udemvp1j2f7eg6jebps17vp3n8i58h", "")
	NSEC3("k8udemvp1j2f7eg6jebps17vp3n8i58h", "q04jkcevqvmu85r014c7dkba38o0ji5r", "")
	NSEC3("q04jkcevqvmu85r014c7dkba38o0ji5r", "r53bq7cc2uvmubfu5ocmm6pers9tk9en", "A RRSIG")
	NSEC3("r53bq7cc2uvmubfu5ocmm6pers9tk9en", "t644ebqk9bibcna874givr6joj62mlhv", "MX RRSIG")
	NSEC3("t644ebqk9bibcna874givr6joj62mlhv", "0p9mhaveqvm6t7vbl5lop2u3t2rp3tom", "A RRSIG");

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/*
 * The owners of the NSEC or NSEC3 records of the answer in `text`, in order, without ".example.", each
 * "!" where no signature follows it.
 */
static const char *proofs(void)
{
	static char list[2048];
	char owners[16][256], copy[sizeof(text)], type[32], *sorted[16], *state = NULL;
	size_t count = 0, used = 0;
	unsigned ttl;

	snprintf(copy, sizeof(copy), "%s", text);
	for (char *part = strtok_r(copy, ";/", &state); part && count < 16; part = strtok_r(NULL, ";/", &state)) {
		if (sscanf(part, " %255s %u %31s", owners[count], &ttl, type) != 3)
			continue;
		if (!strcmp(type, "RRSIG") && count && !strncmp(owners[count - 1], "!", 1) &&
		    !strcmp(owners[count - 1] + 1, owners[count]))
			memmove(owners[count - 1], owners[count], sizeof(owners[0]));
		if (strcmp(type, "NSEC") && strcmp(type, "NSEC3"))
			continue;
		memmove(owners[count] + 1, owners[count], sizeof(owners[0]) - 1);
		owners[count][0] = '!';
		count++;
	}
	for (size_t i = 0; i < count; i++)
		sorted[i] = owners[i];
	qsort(sorted, count, sizeof(sorted[0]), by_text);
	list[0] = '\0';
	for (size_t i = 0; i < count; i++) {
		char *end = strstr(sorted[i], ".example.");

		if (end)
			*end = '\0';
		used += (size_t)snprintf(list + used, sizeof(list) - used, "%s%s", i ? " " : "", sorted[i]);
	}
	return list;
}

/* The question with DO: how the answer begins, and its proofs. */
static void check(const char *name, const char *type, const char *head, const char *expected)
{
	ask_edns(name, type, 4096, 1);
	if (!CHECK(!strncmp(text, head, strlen(head))))
		printf("# %s %s: %s\n", name, type, text);
	CHECK_TEXT(proofs(), expected);
	/* Without DO there are none. */
	ask_edns(name, type, 4096, 0);
	CHECK_TEXT(proofs(), "");
	CHECK(!strncmp(text, head, strlen(head)));
}

/* RFC 4035, appendix B. */
static void test_named(void)
{
	load("named", named_zone);
	serve.parameters[parameter_payload] = 4096;
	check("ml.example.", "A", "NXDOMAIN aa / ml.example. A / / example. 3600 SOA", "b example.");  /* B.2 */
	check("ns1.example.", "MX", "NOERROR aa / ns1.example. MX / / ", "ns1");                       /* B.3 */
	check("mc.a.example.", "MX", "NOERROR / ", "");                                                /* B.4 */
	check("mc.b.example.", "MX", "NOERROR / ", "b");                                               /* B.5 */
	check("a.z.w.example.", "MX", "NOERROR aa / a.z.w.example. MX / a.z.w.example. 3600 MX 1", "x.y.w"); /* B.6 */
	check("a.z.w.example.", "AAAA", "NOERROR aa / a.z.w.example. AAAA / / ", "*.w x.y.w");          /* B.7 */
	check("example.", "DS", "NOERROR aa / example. DS / / ", "example.");                          /* B.8 */
	serve_finish(&serve);
}

static void test_named_more(void)
{
	load("named", named_zone);
	serve.parameters[parameter_payload] = 4096;
	check("ns1.example.", "A", "NOERROR aa / ns1.example. A / ns1.example. 3600 A", "");
	check("b.example.", "DS", "NOERROR aa / b.example. DS / / ", "b");
	check("a.example.", "DS", "NOERROR aa / a.example. DS / a.example. 3600 DS", "");
	/* Empty non-terminals are proved by what stands before them. */
	check("w.example.", "A", "NOERROR aa / w.example. A / / ", "towild");
	check("y.w.example.", "A", "NOERROR aa / y.w.example. A / / ", "x.w");
	check("*.w.example.", "A", "NOERROR aa / *.w.example. A / / ", "*.w");
	/* Before the first name, behind the last one, right beside one, below one. */
	check("0.example.", "A", "NXDOMAIN aa / ", "example.");
	check("zz.example.", "A", "NXDOMAIN aa / ", "example. xx");
	check("ns10.example.", "A", "NXDOMAIN aa / ", "example. ns1");
	check("NS0.example.", "A", "NXDOMAIN aa / ", "b example.");
	check("aj.example.", "A", "NXDOMAIN aa / ", "ai example.");
	check("x.xx.example.", "A", "NXDOMAIN aa / ", "xx");
	check("q.x.w.example.", "A", "NXDOMAIN aa / ", "x.w");
	check("q.y.w.example.", "A", "NXDOMAIN aa / ", "x.w");
	check("z.y.w.example.", "A", "NXDOMAIN aa / ", "x.w x.y.w");
	check("aaaaaaaaab.aaaaaaaaaa.example.", "A", "NXDOMAIN aa / ", "a example.");
	/* Aliases: to nothing, to a wildcard, to a name without the type. */
	check("tolost.example.", "A", "NXDOMAIN aa / ", "x.w");
	check("towild.example.", "MX", "NOERROR aa / ", "x.y.w");
	check("towild.example.", "A", "NOERROR aa / ", "*.w x.y.w");
	check("tonodata.example.", "MX", "NOERROR aa / ", "ns1");
	serve_finish(&serve);
}

#define H_EXAMPLE "0p9mhaveqvm6t7vbl5lop2u3t2rp3tom"
#define H_NS1 "2t7b4g4vsa5smi47k61mv5bv1a22bojr"
#define H_A "35mthgpgcu1qg68fab165klnsnk3dpvl"
#define H_AI "gjeqe526plbf1g8mklp59enfd789njgi"
#define H_XW "b4um86eghhds6nea196smvmlo4ors995"
#define H_YW "ji6neoaepv8b5o6k4ev33abha8ht9fgc"
#define H_W "k8udemvp1j2f7eg6jebps17vp3n8i58h"
#define H_NS2 "q04jkcevqvmu85r014c7dkba38o0ji5r"
#define H_WILD "r53bq7cc2uvmubfu5ocmm6pers9tk9en"

/* RFC 5155, appendix B. */
static void test_hashed(void)
{
	load("hashed", hashed_zone);
	serve.parameters[parameter_payload] = 4096;
	check("a.c.x.w.example.", "A", "NXDOMAIN aa / ", H_EXAMPLE " " H_A " " H_XW);         /* B.1 */
	check("ns1.example.", "MX", "NOERROR aa / ns1.example. MX / / ", H_NS1);              /* B.2 */
	check("y.w.example.", "A", "NOERROR aa / y.w.example. A / / ", H_YW);                 /* B.2.1 */
	check("mc.c.example.", "MX", "NOERROR / ", H_EXAMPLE " " H_A);                        /* B.3 */
	check("a.z.w.example.", "MX", "NOERROR aa / a.z.w.example. MX / a.z.w.", H_NS2);      /* B.4 */
	check("a.z.w.example.", "AAAA", "NOERROR aa / a.z.w.example. AAAA / / ",
	      H_W " " H_NS2 " " H_WILD);                                                      /* B.5 */
	check("example.", "DS", "NOERROR aa / example. DS / / ", H_EXAMPLE);                  /* B.6 */
	serve_finish(&serve);
}

static void test_hashed_more(void)
{
	load("hashed", hashed_zone);
	serve.parameters[parameter_payload] = 4096;
	check("mc.a.example.", "MX", "NOERROR / ", "");
	/* Opt-out: no DS, and no NSEC3 of its own. */
	check("c.example.", "DS", "NOERROR aa / c.example. DS / / ", H_EXAMPLE " " H_A);
	check("tonodata.example.", "MX", "NOERROR aa / ", H_NS1);
	check("towild.example.", "MX", "NOERROR aa / ", H_NS2);
	check("towild.example.", "A", "NOERROR aa / ", H_W " " H_NS2 " " H_WILD);
	/* Names that are hashes are no names of the zone (RFC 5155, section 7.2.8). */
	check(H_NS1 ".example.", "NSEC3", "NXDOMAIN aa / ", H_EXAMPLE " " H_AI " " H_W);
	serve_finish(&serve);
}

/* What does not fit is not sent in part. */
static void test_size(void)
{
	load("hashed", hashed_zone);
	ask_edns("a.c.x.w.example.", "A", 512, 1);
	CHECK(serve.length <= 512);
	CHECK(!strncmp(text, "NXDOMAIN aa tc / a.c.x.w.example. A / / / . OPT", 47) || strlen(proofs()) == 98);
	for (unsigned payload = 512; payload < 800; payload++) {
		ask_edns("a.c.x.w.example.", "A", payload, 1);
		CHECK(serve.length <= payload);
		CHECK(strstr(text, " tc / a.c.x.w.example. A / / / . OPT") || strlen(proofs()) == 98);
	}
	CHECK(strstr(text, " tc ") == NULL);
	serve_finish(&serve);
}

int main(void)
{
	const char *missing = begin();

	if (missing)
		return check_skip_all(missing);
	RUN(test_named);
	RUN(test_named_more);
	RUN(test_hashed);
	RUN(test_hashed_more);
	RUN(test_size);
	return finish();
}
