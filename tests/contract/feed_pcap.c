/* SPDX-License-Identifier: Apache-2.0 */
/* The pcap link's far side: one file written before open, one read after sending. */
#include "tests/contract/feeder.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/pcap/capture.h"

static char folder[64], input[96], output[96];
static FILE *sent;
static struct capture_packet packet;

static int prepare(char *spec, size_t bytes, const struct sample *samples, uint32_t count)
{
	struct capture capture;

	snprintf(folder, sizeof(folder), "/tmp/wn-contract-XXXXXX");
	if (!mkdtemp(folder))
		return -errno;
	snprintf(input, sizeof(input), "%s/in.pcap", folder);
	snprintf(output, sizeof(output), "%s/out.pcap", folder);
	if (capture_open(&capture, input, (uint32_t)CAPTURE_NANOSECONDS, CAPTURE_ETHERNET, 65535,
			 0))
		return -EIO;
	for (uint32_t i = 0; i < count; i++)
		capture_record(&capture, 1, i, samples[i].length, samples[i].length,
			       samples[i].bytes, samples[i].length);
	snprintf(spec, bytes, "pcap:%s,write=%s", input, output);
	return capture_close(&capture);
}

static int collect(uint8_t *bytes, uint32_t capacity)
{
	if (!sent)
		sent = capture_read_open(output);
	if (!sent || capture_read(sent, &packet) != 1 || packet.length > capacity)
		return -1;
	memcpy(bytes, packet.bytes, packet.length);
	return (int)packet.length;
}

static void finish(void)
{
	if (sent)
		fclose(sent);
	sent = NULL;
	unlink(input);
	unlink(output);
	rmdir(folder);
}

static const char *obstacle(void)
{
	return wn_link_pcap.missing ? "built without libpcap" : NULL;
}

const struct feeder feeder_pcap = {
	.kind = "pcap",
	.packets = WN_FRAME,
	.flags = WN_SLOT_FRAME,
	.unknown_option = "pcap:in.pcap,surely_unknown=1",
	.wrong_value = "pcap:in.pcap,rate=fast",
	.wrong_option = "rate",
	.obstacle = obstacle,
	.prepare = prepare,
	.collect = collect,
	.finish = finish,
};
