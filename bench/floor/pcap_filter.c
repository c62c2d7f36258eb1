/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The floor of the filter program: libpcap reads a capture, its own interpreter runs the expression,
 * what matches is written.
 *
 *     pcap_filter IN OUT EXPRESSION
 */
#include <pcap/pcap.h>
#include <stdio.h>

struct sieve {
	struct bpf_program program;
	pcap_dumper_t *out;
	unsigned long long packets, matches;
};

static void take(u_char *context, const struct pcap_pkthdr *header, const u_char *bytes)
{
	struct sieve *sieve = (struct sieve *)(void *)context;

	sieve->packets++;
	if (!pcap_offline_filter(&sieve->program, header, bytes))
		return;
	sieve->matches++;
	pcap_dump((u_char *)sieve->out, header, bytes);
}

int main(int argc, char **argv)
{
	char text[PCAP_ERRBUF_SIZE];
	struct sieve sieve = {0};
	pcap_t *in;

	if (argc != 4) {
		fprintf(stderr, "usage: pcap_filter IN OUT EXPRESSION\n");
		return 2;
	}
	in = pcap_open_offline(argv[1], text);
	if (!in) {
		fprintf(stderr, "pcap_filter: %s\n", text);
		return 1;
	}
	if (pcap_compile(in, &sieve.program, argv[3], 1, PCAP_NETMASK_UNKNOWN) ||
	    !(sieve.out = pcap_dump_open(in, argv[2]))) {
		fprintf(stderr, "pcap_filter: %s\n", pcap_geterr(in));
		return 1;
	}
	if (pcap_loop(in, -1, take, (u_char *)&sieve) < 0) {
		fprintf(stderr, "pcap_filter: %s\n", pcap_geterr(in));
		return 1;
	}
	pcap_dump_close(sieve.out);
	pcap_freecode(&sieve.program);
	pcap_close(in);
	printf("{\"floor\": \"pcap_filter\", \"packets\": %llu, \"matches\": %llu}\n", sieve.packets,
	       sieve.matches);
	return 0;
}
