/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tests/toolchain/badorder.h - Faults that a request to badserver selects.  The
 * first components of the path, in any order, are options:
 *
 *	size=N		bytes of the body; byte I is bad_byte(SEED, I)
 *	file/PATH	the body is ROOT/PATH; a directory's is a listing
 *	listing		the body is a listing with hostile names
 *	only=END	PATHs with another end are answered correctly
 *	times=N		only the first N requests of this path have faults
 *	cuts=N		only the first N requests of this path are cut
 *	cut=N, hcut=N	close after N bytes of the body, of the header
 *	flip=N		change byte N
 *	stall=N		send N bytes, then nothing; stall=-1: no header either
 *	drip=MS		send a byte each MS
 *	length=N	value of Content-Length; length=-1: no such header
 *	chunked		use Transfer-Encoding
 *	endless		send a body without end; endless-head: a header
 *	status=N	use this status with a short body
 *	anonymous	use the status 403 if the request has credentials
 *	after=WORDS	send Retry-After; '+' stands for a blank
 *	range=MODE	ignored, refused (416), shifted, other (another
 *			length), always (206 without a request)
 *	stamp=MODE	none, weak (ETag), date (Last-Modified alone), changing
 *			(another version each time)
 *	hops=N		redirect N times, with `status`; loop: for ever
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
	char path[BAD_REQUEST_MAX]; /* the whole path */
	char *rest; /* the path without its options, or PATH */
	char range[64], if_range[300], if_new[300]; /* headers of the client */
	bool is_file, is_listing, is_chunked, is_endless, is_endless_head;
	bool is_loop, is_hop, is_anonymous;
	int64_t size, cut, hcut, flip, stall, drip, length;
	int status;
	/* count: number of earlier requests */
	unsigned times, cuts, hops, count;
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
	"listing", "chunked", "endless", "endless-head", "loop", "anonymous",
};

static inline bool badorder_flag(struct badorder *o, const char *word)
{
	bool *const flags[] = { &o->is_listing, &o->is_chunked,
				&o->is_endless, &o->is_endless_head,
				&o->is_loop,    &o->is_anonymous };

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

/* Copy the value of header NAME, or "". */
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

/* Remove all faults, so that the response is correct. */
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

/* Parse the options at the start of the path; the rest remains. */
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

/* Parse a request.  Returns false if it is invalid. */
static inline bool badorder_parse(struct badorder *o, const char *head)
{
	*o = (struct badorder){ .size = 1000, .cut = -2, .hcut = -2 };
	o->flip = o->stall = o->drip = o->length = -2;
	/* A client that uses the server as a proxy also sends the host. */
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
	if (o->is_anonymous && strcasestr(head, "\nAuthorization:"))
		o->status = 403;
	if (o->only[0] && !bad_ends(o->rest, o->only))
		badorder_be_good(o);
	return true;
}

#endif
