/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The assembler takes the files as they are, from the directory that make runs
 * in; the Makefile knows that this object depends on them.
 */
#include "peer/canary-data.h"

#include <string.h>

#define TEMPLATES "templates/canary/"

#define EMBED(symbol, name)                             \
	__asm__(".pushsection .rodata\n"                \
		"canary_" #symbol "_begin:\n"           \
		"\t.incbin \"" TEMPLATES name "\"\n"    \
		"canary_" #symbol "_end:\n"             \
		"\t.popsection\n");                     \
	extern const uint8_t canary_##symbol##_begin[]; \
	extern const uint8_t canary_##symbol##_end[];

#define SOURCES                       \
	X(asm, "asm.c")               \
	X(builtins, "builtins.c")     \
	X(debug, "debug.c")           \
	X(entry, "entry.S")           \
	X(floats, "floats.c")         \
	X(inline, "inline.c")         \
	X(integers, "integers.c")     \
	X(loops, "loops.c")           \
	X(simd, "simd.c")             \
	X(size, "size.c")             \
	X(strings, "strings.c")       \
	X(structures, "structures.c") \
	X(switches, "switches.c")     \
	X(warnings, "warnings.c")

#define X(symbol, name) EMBED(symbol, name)
SOURCES
EMBED(flags, "flags")
#undef X

static struct bytes between(const uint8_t *begin, const uint8_t *end)
{
	return bytes_of(begin, (size_t)(end - begin));
}

const struct peer_canary_source *peer_canary_sources(size_t *n)
{
	static struct peer_canary_source all[] = {
#define X(symbol, file) { .name = (file) },
		SOURCES
#undef X
	};
	size_t i = 0;

#define X(symbol, name) \
	all[i++].text = between(canary_##symbol##_begin, canary_##symbol##_end);
	SOURCES
#undef X
	*n = i;
	return all;
}

static struct bytes flags_text(void)
{
	return between(canary_flags_begin, canary_flags_end);
}

void peer_canary_digest(struct digest *out)
{
	struct digest_run *run = digest_new();
	const struct peer_canary_source *v;
	size_t n;

	v = peer_canary_sources(&n);
	for (size_t i = 0; i < n; i++) {
		digest_add(run, bytes_of(v[i].name, strlen(v[i].name) + 1));
		digest_add(run, v[i].text);
	}
	digest_add(run, flags_text());
	digest_end(run, out);
}

/* "aarch64" is what "aarch64-linux-gnu" begins with; "arm" of "arm" alone. */
static bool is_machine(struct bytes pattern, const char *machine)
{
	size_t len = strcspn(machine, "-");

	return (pattern.len == 1 && pattern.data[0] == '*') ||
	       (pattern.len == len && !memcmp(pattern.data, machine, len));
}

static bool is_source(struct bytes pattern, const char *source)
{
	return (pattern.len == 1 && pattern.data[0] == '*') ||
	       (pattern.len == strlen(source) &&
		!memcmp(pattern.data, source, pattern.len));
}

/* The next word of a line; empty at its end. */
static struct bytes word(struct bytes *line)
{
	size_t n = 0;
	struct bytes out;

	while (line->len && line->data[0] == ' ') {
		line->data++;
		line->len--;
	}
	while (n < line->len && line->data[n] != ' ')
		n++;
	out = bytes_of(line->data, n);
	line->data += n;
	line->len -= n;
	return out;
}

static void take_line(struct strv *argv, struct bytes line, const char *machine,
		      const char *source)
{
	struct bytes for_machine = word(&line), for_source = word(&line), w;

	/* "SOURCE:" */
	if (!for_source.len || for_machine.data[0] == '#')
		return;
	for_source.len--;
	if (!is_machine(for_machine, machine) || !is_source(for_source, source))
		return;
	while ((w = word(&line)).len)
		strv_own(argv, bytes_dup(w));
}

void peer_canary_flags(struct strv *argv, const char *machine,
		       const char *source)
{
	struct bytes rest = flags_text();

	while (rest.len) {
		const uint8_t *end = memchr(rest.data, '\n', rest.len);
		size_t n = end ? (size_t)(end - rest.data) : rest.len;

		take_line(argv, bytes_of(rest.data, n), machine, source);
		n += end != NULL;
		rest = bytes_of(rest.data + n, rest.len - n);
	}
}
