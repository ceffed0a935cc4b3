/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tls/clients.h"

#include "base/file-stamp.h"
#include "base/fs.h"
#include "base/map.h"
#include "base/printable.h"
#include "base/str.h"
#include "tls/key.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct client_entry {
	struct map_entry entry;
	struct digest fingerprint;
	char *name;
};

struct tls_clients {
	char *path;
	struct map by_fingerprint;
	struct file_stamp stamp; /* stamp of the file when it was read */
	int last_errno; /* errno of the last stat() or read that failed, or 0 */
	bool loaded; /* the file was read, so `stamp` is valid */
	bool reliable; /* any further change alters the stamp */
};

static void free_client_entry(struct map_entry *node)
{
	free(((struct client_entry *)node)->name);
	free(node);
}

static void remove_all_clients(struct tls_clients *c)
{
	map_release_entries(&c->by_fingerprint, free_client_entry);
	c->by_fingerprint = (struct map){ 0 };
}

struct tls_clients *tls_clients_new(const char *path)
{
	struct tls_clients *c = xcalloc(1, sizeof(*c));

	c->path = xstrdup(path);
	return c;
}

void tls_clients_free(struct tls_clients *c)
{
	if (!c)
		return;
	remove_all_clients(c);
	free(c->path);
	free(c);
}

static struct client_entry *find_client_entry(const struct tls_clients *c,
					      const struct digest *fingerprint)
{
	struct map_entry *n = map_find(&c->by_fingerprint,
				       digest_hash(fingerprint));

	while (n && !digest_equal(&((struct client_entry *)n)->fingerprint,
				  fingerprint))
		n = map_next_match(n);
	return (struct client_entry *)n;
}

/*
 * Parse a line "FINGERPRINT NAME" without surrounding blanks.  Returns false if
 * the line is invalid.
 */
static bool parse_client_line(struct tls_clients *c, const char *line)
{
	size_t len = strcspn(line, " \t");
	const char *name = line + len + strspn(line + len, " \t");
	char *text = xstrndup(line, len);
	struct client_entry *one;
	struct digest pin;
	bool good = tls_key_parse_fingerprint(&pin, text) &&
		    printable_is_safe(bytes_str(name), 0);

	/* If several lines have the same key, the first line is used. */
	if (good && !find_client_entry(c, &pin)) {
		one = xcalloc(1, sizeof(*one));
		one->fingerprint = pin;
		one->name = xstrdup(*name ? name : text);
		map_add(&c->by_fingerprint, &one->entry, digest_hash(&pin));
	}
	free(text);
	return good;
}

static void parse_clients_text(struct tls_clients *c, struct bytes text,
			       struct err *err)
{
	for (unsigned number = 1; text.len; number++) {
		char *line = bytes_dup(bytes_take_line(&text));
		const char *start = line + strspn(line, " \t");

		if (*start && *start != '#' && !parse_client_line(c, start) &&
		    !err->text[0])
			err_set(err, EINVAL,
				"%s:%u: expected \"SHA256:... [NAME]\"; line "
				"ignored",
				c->path, number);
		free(line);
	}
}

static void reload_if_changed(struct tls_clients *c, struct err *err)
{
	struct buf text = { 0 };
	struct file_stamp now;
	struct stat st;
	int code = stat(c->path, &st) ? errno : 0, before = c->last_errno;

	if (!code && !S_ISREG(st.st_mode))
		code = EINVAL;
	/* If the file is missing or not regular, admit no client. */
	if (code && code != before)
		err_set(err, code, "%s: %s; all clients are rejected", c->path,
			strerror(code));
	c->last_errno = code;
	if (code) {
		c->loaded = false;
		remove_all_clients(c);
		return;
	}
	file_stamp_from_stat(&now, &st);
	if (c->loaded && c->reliable && file_stamp_equal(&now, &c->stamp))
		return;
	c->reliable = file_stamp_is_reliable(&now, file_stamp_now_ns());
	c->stamp = now;
	remove_all_clients(c);
	if (st.st_mode & 022)
		err_set(err, EPERM,
			"%s: writable by group or others; all clients are "
			"rejected; run `chmod go-w %s`",
			c->path, c->path);
	else
		code = -fs_read(c->path, TLS_CLIENTS_MAX, &text, err);
	/*
	 * If the read has failed, for example because of a shortage of
	 * descriptors, the next call tries again.  The same error is reported
	 * only once.  A file that is too large counts as loaded, because
	 * otherwise every connection would read it again.
	 */
	if (code && code == before)
		*err = (struct err){ 0 };
	c->last_errno = code;
	c->loaded = !code || code == EFBIG;
	if (!code)
		parse_clients_text(c, buf_bytes(&text), err);
	buf_release(&text);
}

const char *tls_clients_find(struct tls_clients *c,
			     const struct digest *fingerprint, struct err *err)
{
	struct client_entry *one;

	*err = (struct err){ 0 };
	reload_if_changed(c, err);
	one = find_client_entry(c, fingerprint);
	return one ? one->name : NULL;
}
