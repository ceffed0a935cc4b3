/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: tls */
/*
 * Arbitrary text as a list of clients.  The key is admitted if and only if a
 * line has its fingerprint, which an independent parser decides.
 */
#include "base/printable.h"
#include "tls/clients.h"
#include "tls/key.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* SHA-256 of "abc" (FIPS 180-2, B.1). */
static const char ours[] = "SHA256:ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0";

static bool is_blank(uint8_t c)
{
	return c == ' ' || c == '\t';
}

/* Check a line without its newline. */
static bool names_us(struct bytes line)
{
	size_t len = strlen(ours);

	while (line.len && is_blank(*line.data)) {
		line.data++;
		line.len--;
	}
	if (line.len < len || memcmp(line.data, ours, len) != 0)
		return false;
	line.data += len;
	line.len -= len;
	if (line.len && !is_blank(*line.data))
		return false;
	while (line.len && is_blank(*line.data)) {
		line.data++;
		line.len--;
	}
	return printable_is_safe(line, 0);
}

static bool is_named(struct bytes text)
{
	while (text.len) {
		if (names_us(bytes_take_line(&text)))
			return true;
	}
	return false;
}

static void check_pin(const uint8_t *data, size_t size)
{
	char *text = bytes_dup(bytes_of(data, size));
	char again[TLS_KEY_FINGERPRINT_SIZE];
	struct digest pin;

	if (tls_key_parse_fingerprint(&pin, text)) {
		tls_key_format_fingerprint(&pin, again);
		if (strcmp(again, text))
			abort();
	}
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct tls_clients *clients;
	struct digest pin;
	struct err err;
	char path[64];
	int fd;

	check_pin(data, size);
	/* A line ends at a NUL, because it is a C string. */
	if (memchr(data, 0, size) || !tls_key_parse_fingerprint(&pin, ours))
		return 0;
	fd = memfd_create("clients", MFD_CLOEXEC);
	if (fd < 0 || fchmod(fd, 0600) ||
	    write(fd, data, size) != (ssize_t)size)
		abort();
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	clients = tls_clients_new(path);
	if ((tls_clients_find(clients, &pin, &err) != NULL) !=
	    is_named(bytes_of(data, size)))
		abort();
	tls_clients_free(clients);
	close(fd);
	return 0;
}
