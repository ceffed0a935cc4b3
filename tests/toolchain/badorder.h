/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tests/toolchain/badorder.h - what a request of badserver asks for: the first
 * components of its path, in any order, say how it is to be answered.
 *
 *	size=N		bytes of the body; byte I is bad_byte(SEED, I)
 *	file/PATH	or the body is ROOT/PATH, a directory's a listing
 *	listing		or a listing with hostile names
 *	only=END	PATHs that do not end so are answered properly
 *	times=N		and so are all requests of this path but the first N;
 *			cuts=N: all but the first N are not cut
 *
 *	cut=N, hcut=N	close after N bytes of the body, of the header
 *	flip=N		change byte N
 *	stall=N		send N bytes, then nothing; stall=-1: no header either
 *	drip=MS		a byte each MS
 *	length=N	what Content-Length says; length=-1: nothing
 *	chunked		Transfer-Encoding
 *	endless		a body, or with endless-head a header, without end
 *	status=N	that, with a short body
 *	after=WORDS	Retry-After, '+' for a blank
 *	range=MODE	ignored, refused (416), shifted, other (another
 *			length), always (206 even if nobody asked)
 *	stamp=MODE	none, weak (ETag), date (Last-Modified alone), changing
 *			(another version each time)
 *	hops=N		redirect, N times, with `status`; loop: for ever
 *	to-http/PATH, to-https/PATH, to-file, to-odd	redirect there
 */
#ifndef BADORDER_H
#define BADORDER_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BAD_REQUEST_MAX 8192

struct badorder {
	char path[BAD_REQUEST_MAX]; /* all of it */
	char *rest; /* what no option was, or PATH */
	char range[64], if_range[300], if_new[300]; /* what the client sent */
	bool is_file, is_listing, is_chunked, is_endless, is_endless_head;
	bool is_loop, is_hop;
	int64_t size, cut, hcut, flip, stall, drip, length;
	int status;
	unsigned times, cuts, hops, count; /* count: of earlier requests */
	char after[64], range_mode[16], stamp[16], only[64], to[16];
};

static inline uint8_t bad_byte(unsigned seed, uint64_t i)
{
	return (uint8_t)(((i + seed * 7919u) * 2654435761u) >> 13);
}

static inline bool bad_is(const char *a, const char *b)
{
	return !strcmp(a, b);
}

static const char *const bad_flags[] = {
	"listing", "chunked", "endless", "endless-head", "loop",
};

static inline bool badorder_flag(struct badorder *o, const char *word)
{
	bool *const flags[] = { &o->is_listing, &o->is_chunked, &o->is_endless,
				&o->is_endless_head, &o->is_loop };

	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
		if (bad_is(word, bad_flags[i])) {
			*flags[i] = true;
			return true;
		}
	}
	if (strncmp(word, "to-", 3) != 0)
		return false;
	snprintf(o->to, sizeof(o->to), "%s", word + 3);
	return true;
}

static inline bool badorder_number(struct badorder *o, const char *key,
				   int64_t v)
{
	static const char *const keys[] = { "size",  "cut",  "hcut",  "flip",
					    "stall", "drip", "length" };
	int64_t *const numbers[] = { &o->size,  &o->cut,  &o->hcut,  &o->flip,
				     &o->stall, &o->drip, &o->length };

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		if (bad_is(key, keys[i])) {
			*numbers[i] = v;
			return true;
		}
	}
	if (bad_is(key, "status"))
		o->status = (int)v;
	else if (bad_is(key, "times"))
		o->times = (unsigned)v;
	else if (bad_is(key, "cuts"))
		o->cuts = (unsigned)v;
	else if (bad_is(key, "hops"))
		o->hops = (unsigned)v;
	else
		return false;
	o->is_hop |= bad_is(key, "hops");
	return true;
}

static inline bool badorder_word(struct badorder *o, const char *key,
				 const char *v)
{
	if (bad_is(key, "after"))
		snprintf(o->after, sizeof(o->after), "%s", v);
	else if (bad_is(key, "range"))
		snprintf(o->range_mode, sizeof(o->range_mode), "%s", v);
	else if (bad_is(key, "stamp"))
		snprintf(o->stamp, sizeof(o->stamp), "%s", v);
	else if (bad_is(key, "only"))
		snprintf(o->only, sizeof(o->only), "%s", v);
	else
		return badorder_number(o, key, atoll(v));
	for (char *p = o->after; *p; p++)
		*p = *p == '+' ? ' ' : *p;
	return true;
}

/* The value of header NAME, or "". */
static inline void badorder_header(const char *head, const char *name,
				   char *out, size_t len)
{
	const char *at = strcasestr(head, name);
	size_t n;

	out[0] = '\0';
	if (!at)
		return;
	at += strlen(name);
	at += strspn(at, " ");
	n = strcspn(at, "\r\n");
	snprintf(out, len, "%.*s", (int)n, at);
}

/* Take all faults out: the answer is to be a good one. */
static inline void badorder_be_good(struct badorder *o)
{
	o->cut = o->hcut = o->flip = o->stall = o->drip = -2;
	o->length = -2;
	o->is_endless = o->is_endless_head = o->is_loop = false;
	o->status = 0;
	o->hops = 0;
	o->range_mode[0] = o->stamp[0] = o->to[0] = '\0';
}

static inline bool bad_ends(const char *s, const char *end)
{
	size_t n = strlen(s), m = strlen(end);

	return n >= m && !strcmp(s + n - m, end);
}

/* The options at the start of a path; the rest is what is not one. */
static inline void badorder_options(struct badorder *o)
{
	char *p = strdup(o->path + 1), *word = p;

	while (*word) {
		size_t n = strcspn(word, "/");
		char *next = word + n + (word[n] == '/');
		char *value;

		o->is_file = !strncmp(word, "file/", 5);
		if (o->is_file) {
			word = next;
			break;
		}
		word[n] = '\0';
		value = strchr(word, '=');
		if (value)
			*value++ = '\0';
		if (!(value ? badorder_word(o, word, value) :
			      badorder_flag(o, word)))
			break;
		word = next;
		if (o->to[0])
			break;
	}
	o->rest = strdup(word);
	free(p);
}

/* False: this is no request. */
static inline bool badorder_parse(struct badorder *o, const char *head)
{
	*o = (struct badorder){ .size = 1000, .cut = -2, .hcut = -2 };
	o->flip = o->stall = o->drip = o->length = -2;
	/* A client that takes us for its proxy names the host as well. */
	if (sscanf(head, "GET http://%*[^/]%8000s", o->path) != 1 &&
	    sscanf(head, "GET %8000s", o->path) != 1)
		return false;
	if (o->path[0] != '/')
		return false;
	badorder_header(head, "\nRange:", o->range, sizeof(o->range));
	badorder_header(head, "\nIf-Range:", o->if_range, sizeof(o->if_range));
	badorder_header(head, "\nIf-None-Match:", o->if_new, sizeof(o->if_new));
	if (!o->if_new[0])
		badorder_header(head, "\nIf-Modified-Since:", o->if_new,
				sizeof(o->if_new));
	badorder_options(o);
	if (o->only[0] && !bad_ends(o->rest, o->only))
		badorder_be_good(o);
	return true;
}

#endif
