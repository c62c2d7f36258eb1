/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/pcap/capture.h"

#include <string.h>
#include <unistd.h>

static uint32_t swap32(const struct capture *capture, uint32_t value)
{
	return capture->is_swapped ? __builtin_bswap32(value) : value;
}

static uint16_t swap16(const struct capture *capture, uint16_t value)
{
	return capture->is_swapped ? __builtin_bswap16(value) : value;
}

int capture_open(struct capture *capture, const char *path, uint32_t magic, uint32_t link_type,
		 uint32_t snap_bytes, int is_swapped)
{
	uint32_t words[6];
	uint16_t version[2];

	*capture = (struct capture){ .magic = magic, .snap_bytes = snap_bytes,
				     .link_type = link_type, .is_swapped = is_swapped };
	capture->file = fopen(path, "wb");
	if (!capture->file)
		return -1;
	version[0] = swap16(capture, 2);
	version[1] = swap16(capture, 4);
	words[0] = swap32(capture, magic);
	memcpy(&words[1], version, sizeof(version));
	words[2] = words[3] = 0;
	words[4] = swap32(capture, snap_bytes);
	words[5] = swap32(capture, link_type);
	return fwrite(words, sizeof(words), 1, capture->file) == 1 ? 0 : -1;
}

void capture_record(struct capture *capture, uint32_t seconds, uint32_t fraction, uint32_t captured,
		    uint32_t wire, const void *bytes, uint32_t length)
{
	const uint32_t words[4] = { swap32(capture, seconds), swap32(capture, fraction),
				    swap32(capture, captured), swap32(capture, wire) };

	fwrite(words, sizeof(words), 1, capture->file);
	if (bytes)
		fwrite(bytes, 1, length, capture->file);
	else
		fseek(capture->file, (long)length, SEEK_CUR);
}

int capture_close(struct capture *capture)
{
	/* A hole at the end is only part of the file once its size says so. */
	const int failed = ferror(capture->file) || fflush(capture->file) ||
			   ftruncate(fileno(capture->file), ftell(capture->file));

	return fclose(capture->file) || failed ? -1 : 0;
}

uint8_t capture_byte(uint32_t i, uint32_t at)
{
	if (at < 6)
		return 0xff;
	if (at < 12)
		return (uint8_t)(at == 6 ? 2 : at);
	if (at < 14)
		return at == 12 ? 0x88 : 0xb5;
	return (uint8_t)(i * 31 + at);
}

static void write_words(FILE *file, const uint32_t *words, uint32_t count)
{
	fwrite(words, sizeof(*words), count, file);
}

int capture_write_ng(const char *path, uint32_t count, uint32_t bytes, uint16_t link_type)
{
	const uint32_t section[7] = { 0x0a0d0d0a, 28, 0x1a2b3c4d, 1, 0xffffffff, 0xffffffff, 28 };
	const uint32_t interface[5] = { 1, 20, link_type, 65535, 20 };
	const uint32_t padded = (bytes + 3) & ~3u;
	FILE *file = fopen(path, "wb");

	if (!file)
		return -1;
	write_words(file, section, 7);
	write_words(file, interface, 5);
	for (uint32_t i = 0; i < count; i++) {
		/* Enhanced packet block; time in microseconds since 1970, high word first. */
		const uint32_t head[7] = { 6, 32 + padded, 0, 0, i + 1, bytes, bytes };

		write_words(file, head, 7);
		for (uint32_t at = 0; at < padded; at++)
			fputc(at < bytes ? capture_byte(i, at) : 0, file);
		write_words(file, &head[1], 1);
	}
	return fclose(file) ? -1 : 0;
}

FILE *capture_read_open(const char *path)
{
	uint32_t words[6];
	FILE *file = fopen(path, "rb");

	if (!file)
		return NULL;
	if (fread(words, sizeof(words), 1, file) != 1 ||
	    words[0] != (uint32_t)CAPTURE_NANOSECONDS || words[5] != CAPTURE_ETHERNET) {
		fclose(file);
		return NULL;
	}
	return file;
}

int capture_read(FILE *file, struct capture_packet *packet)
{
	uint32_t words[4];
	const size_t got = fread(words, 1, sizeof(words), file);

	if (!got)
		return 0;
	if (got != sizeof(words) || words[2] > sizeof(packet->bytes))
		return -1;
	packet->seconds = words[0];
	packet->nanoseconds = words[1];
	packet->length = words[2];
	packet->wire_length = words[3];
	return fread(packet->bytes, 1, packet->length, file) == packet->length ? 1 : -1;
}
