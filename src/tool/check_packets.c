/* SPDX-License-Identifier: Apache-2.0 */
#include "tool/check_packets.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#if WN_HAVE_LIBPCAP
#include "link/pcap_read.h"
#endif

int wn_test_is_capture(const char *path)
{
	const char *dot = strrchr(path, '.');

	return dot && (!strcmp(dot, ".pcap") || !strcmp(dot, ".pcapng") || !strcmp(dot, ".cap"));
}

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)tolower((unsigned char)c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The character that an escape stands for, or -1. */
static int unescape(char c)
{
	static const char letters[] = "nrt\\\"", values[] = "\n\r\t\\\"";
	const char *found = c ? strchr(letters, c) : NULL;

	return found ? values[found - letters] : -1;
}

/* Text behind an opening quote. The character behind the closing one, or NULL. */
static const char *take_text(const char *text, uint8_t *bytes, int *count)
{
	while (*text && *text != '"') {
		int c = (unsigned char)*text++;

		if (c == '\\')
			c = unescape(*text ? *text++ : '\0');
		if (c < 0 || *count == WN_TEST_PACKET_BYTES_MAX)
			return NULL;
		bytes[(*count)++] = (uint8_t)c;
	}
	return *text ? text + 1 : NULL;
}

int wn_test_bytes(const char *text, uint8_t *bytes)
{
	int count = 0, high = -1;

	text += strspn(text, " \t");
	if (!strncmp(text, "empty", 5) && strspn(text + 5, " \t\r\n") + 5 == strcspn(text, "#"))
		return 0;
	while (*text && *text != '#') {
		if (isspace((unsigned char)*text)) {
			text++;
		} else if (*text == '"' && high < 0) {
			text = take_text(text + 1, bytes, &count);
			if (!text)
				return -1;
		} else {
			const int value = digit(*text++);

			if (value < 0 || (high >= 0 && count == WN_TEST_PACKET_BYTES_MAX))
				return -1;
			if (high >= 0)
				bytes[count++] = (uint8_t)(high << 4 | value);
			high = high < 0 ? value : -1;
		}
	}
	return high < 0 ? count : -1;
}

static int add_packet(struct wn_test_packets *packets, const uint8_t *bytes, uint32_t length,
		      uint32_t wire_length)
{
	struct wn_test_packet *packet;

	/* Grown by doubling: the count is the whole state. */
	if (!(packets->count & (packets->count - 1))) {
		const size_t room = packets->count ? 2 * (size_t)packets->count : 1;
		void *larger = realloc(packets->list, room * sizeof(*packets->list));

		if (!larger)
			return -ENOMEM;
		packets->list = larger;
	}
	packet = &packets->list[packets->count];
	packet->bytes = malloc(length + 1);
	if (!packet->bytes)
		return -ENOMEM;
	memcpy(packet->bytes, bytes, length);
	packet->length = length;
	packet->wire_length = wire_length;
	packets->count++;
	return 0;
}

/* A file named in a setup line stands beside the file of that line, unless it is a whole path. */
static char *beside(const char *path, const char *name)
{
	const char *slash = strrchr(path, '/');
	char *text;

	if (name[0] == '/' || !slash)
		return strdup(name);
	return asprintf(&text, "%.*s/%s", (int)(slash - path), path, name) < 0 ? NULL : text;
}

static char *table_of(const char *path, const char *value)
{
	const char *equals = strchr(value, '=');
	char *file, *text;
	int rc;

	if (!equals)
		return strdup(value);
	file = beside(path, equals + 1);
	if (!file)
		return NULL;
	rc = asprintf(&text, "%.*s=%s", (int)(equals - value), value, file);
	free(file);
	return rc < 0 ? NULL : text;
}

/* 1 where the line is one of setup, 0 where it is not, -1 where there is no room for it. */
static int take_setup(struct wn_test_setup *setup, const char *path, char *line)
{
	char *value = line + strcspn(line, " \t");
	const size_t word = (size_t)(value - line);

	value += strspn(value, " \t");
	if (word == 4 && !strncmp(line, "link", word))
		return snprintf(setup->link, sizeof(setup->link), "%s", value) <
				       (int)sizeof(setup->link)
			       ? 1
			       : -1;
	if (word == 4 && !strncmp(line, "data", word)) {
		free(setup->data);
		setup->data = beside(path, value);
		return setup->data ? 1 : -1;
	}
	if (word == 5 && !strncmp(line, "param", word) && setup->parameter_count < WN_WISHES_MAX) {
		setup->parameters[setup->parameter_count] = strdup(value);
		return setup->parameters[setup->parameter_count++] ? 1 : -1;
	}
	if (word == 5 && !strncmp(line, "table", word) && setup->table_count < WN_WISHES_MAX) {
		setup->tables[setup->table_count] = table_of(path, value);
		return setup->tables[setup->table_count++] ? 1 : -1;
	}
	return 0;
}

/* Trailing space and, for setup lines, comments. */
static void trim(char *line)
{
	size_t length = strlen(line);

	while (length && isspace((unsigned char)line[length - 1]))
		line[--length] = '\0';
}

static int take_line(struct wn_test_packets *packets, const char *path, char *line, uint8_t *bytes)
{
	int count, rc;

	trim(line);
	line += strspn(line, " \t");
	if (!*line || *line == '#')
		return 0;
	rc = take_setup(&packets->setup, path, line);
	if (rc)
		return rc < 0 ? -ENOMEM : 0;
	count = packets->is_capture ? -1 : wn_test_bytes(line, bytes);
	if (count < 0)
		return -EINVAL;
	return packets->count < WN_TEST_PACKETS_MAX
		       ? add_packet(packets, bytes, (uint32_t)count, (uint32_t)count)
		       : -E2BIG;
}

static int line_error(const char *path, uint32_t number, const char *line, int rc,
		      struct wn_error *error)
{
	if (rc == -EINVAL)
		return wn_fail(error, EINVAL, WN_FAILED,
			       "%s:%u: '%.40s': neither a packet (hex digits and \"text\") nor a line "
			       "that begins with link, param, table or data", path, number, line);
	return wn_fail(error, -rc, WN_FAILED, "%s:%u: %s (at most %d packets a file)", path, number,
		       strerror(-rc), WN_TEST_PACKETS_MAX);
}

static int read_text(struct wn_test_packets *packets, const char *path, uint32_t limit,
		     struct wn_error *error)
{
	uint8_t *bytes = malloc(WN_TEST_PACKET_BYTES_MAX);
	FILE *file = fopen(path, "re");
	uint32_t number = 0;
	char *line = NULL;
	size_t room = 0;
	int rc = 0;

	if (!file)
		rc = wn_fail(error, errno, WN_NO_INPUT, "%s: %s", path, strerror(errno));
	else if (!bytes)
		rc = wn_fail(error, ENOMEM, WN_FAILED, "%s: out of memory", path);
	while (!rc && getline(&line, &room, file) >= 0) {
		number++;
		rc = limit && packets->count == limit ? 0 : take_line(packets, path, line, bytes);
		if (rc)
			rc = line_error(path, number, line, rc, error);
	}
	if (!rc && ferror(file))
		rc = wn_fail(error, EIO, WN_NO_INPUT, "%s: cannot be read", path);
	free(line);
	free(bytes);
	if (file)
		fclose(file);
	return rc;
}

#if WN_HAVE_LIBPCAP

static int read_capture(struct wn_test_packets *packets, const char *path, uint32_t limit,
			struct wn_error *error)
{
	struct wn_pcap_reader reader = {0};
	struct wn_pcap_packet packet;
	int rc = wn_pcap_reader_open(&reader, path, NULL, 0, error);

	if (rc)
		return rc;
	while (!limit || packets->count < limit) {
		while ((rc = wn_pcap_reader_peek(&reader, &packet)) == 0)
			wn_pcap_reader_wait(&reader, 1000000);
		if (rc < 0)
			break;
		if (packets->count == WN_TEST_PACKETS_MAX) {
			rc = wn_fail(error, E2BIG, WN_FAILED, "%s: more than %d packets", path,
				     WN_TEST_PACKETS_MAX);
			break;
		}
		rc = packet.length > WN_TEST_PACKET_BYTES_MAX
			     ? -E2BIG
			     : add_packet(packets, packet.bytes, packet.length, packet.wire_length);
		if (rc) {
			wn_fail(error, -rc, WN_FAILED, "%s: packet %u: %s", path, packets->count,
				strerror(-rc));
			break;
		}
		wn_pcap_reader_take(&reader);
	}
	if (rc == -EIO)
		wn_fail(error, EIO, WN_NO_INPUT, "%s: damaged after packet %u", path, packets->count);
	wn_pcap_reader_close(&reader);
	return rc < 0 && rc != -ENODATA ? rc : 0;
}

#else

static int read_capture(struct wn_test_packets *packets, const char *path, uint32_t limit,
			struct wn_error *error)
{
	(void)packets;
	(void)limit;
	return wn_fail(error, ENOTSUP, WN_UNAVAILABLE, "%s: this build has no libpcap; write it as text",
		       path);
}

#endif

/* NAME.setup beside NAME.pcap, where there is one. */
static int read_setup(struct wn_test_packets *packets, const char *path, struct wn_error *error)
{
	const char *dot = strrchr(path, '.');
	char *setup;
	int rc;

	if (!dot || asprintf(&setup, "%.*s.setup", (int)(dot - path), path) < 0)
		return 0;
	rc = read_text(packets, setup, 0, error);
	if (rc == -ENOENT) {
		rc = 0;
		if (error)
			memset(error, 0, sizeof(*error));
	}
	free(setup);
	return rc;
}

int wn_test_packets_read(struct wn_test_packets *packets, const char *path, uint32_t limit,
			 struct wn_error *error)
{
	int rc;

	memset(packets, 0, sizeof(*packets));
	packets->is_capture = wn_test_is_capture(path);
	if (!packets->is_capture)
		return read_text(packets, path, limit, error);
	rc = read_capture(packets, path, limit, error);
	return rc ? rc : read_setup(packets, path, error);
}

void wn_test_packets_free(struct wn_test_packets *packets)
{
	struct wn_test_setup *setup = &packets->setup;

	for (uint32_t i = 0; i < packets->count; i++)
		free(packets->list[i].bytes);
	for (uint32_t i = 0; i < setup->parameter_count; i++)
		free(setup->parameters[i]);
	for (uint32_t i = 0; i < setup->table_count; i++)
		free(setup->tables[i]);
	free(setup->data);
	free(packets->list);
	memset(packets, 0, sizeof(*packets));
}

void wn_test_dump(FILE *file, int indent, const uint8_t *bytes, uint32_t length)
{
	if (!length)
		fprintf(file, "%*s(no bytes)\n", indent, "");
	for (uint32_t at = 0; at < length; at += 16) {
		fprintf(file, "%*s%04x ", indent, "", at);
		for (uint32_t i = at; i < at + 16; i++)
			if (i < length)
				fprintf(file, " %02x", bytes[i]);
			else
				fputs("   ", file);
		fputs("  ", file);
		for (uint32_t i = at; i < at + 16 && i < length; i++)
			fputc(isprint(bytes[i]) ? bytes[i] : '.', file);
		fputc('\n', file);
	}
}
