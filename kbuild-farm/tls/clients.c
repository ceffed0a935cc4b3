/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tls/clients.h"

#include "base/fs.h"
#include "base/map.h"
#include "base/printable.h"
#include "base/stamp.h"
#include "base/str.h"
#include "tls/pin.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct one_client {
	struct map_node node;
	struct digest pin;
	char *name;
};

struct tls_clients {
	char *path;
	struct map known;
	struct stamp stamp; /* of the file as it was read */
	int missing; /* it could not be looked at: errno, 0: it could */
	bool read; /* once at least */
	bool settled; /* a change would show in the stamp */
};

static void release_client(struct map_node *node)
{
	free(((struct one_client *)node)->name);
	free(node);
}

static void forget_all(struct tls_clients *c)
{
	map_release_all(&c->known, release_client);
	c->known = (struct map){ 0 };
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
	forget_all(c);
	free(c->path);
	free(c);
}

static struct one_client *client_of_pin(const struct tls_clients *c,
					const struct digest *pin)
{
	struct map_node *n = map_find(&c->known, digest_hash(pin));

	while (n && !digest_equal(&((struct one_client *)n)->pin, pin))
		n = map_again(n);
	return (struct one_client *)n;
}

/* "PIN NAME", without blanks around it: false where it is none. */
static bool take_client(struct tls_clients *c, const char *line)
{
	size_t len = strcspn(line, " \t");
	const char *name = line + len + strspn(line + len, " \t");
	char *text = xstrndup(line, len);
	struct one_client *one;
	struct digest pin;
	bool good = tls_pin_parse(&pin, text) && printable(bytes_str(name), 0);

	/* Of two lines for one key the first counts. */
	if (good && !client_of_pin(c, &pin)) {
		one = xcalloc(1, sizeof(*one));
		one->pin = pin;
		one->name = xstrdup(*name ? name : text);
		map_add(&c->known, &one->node, digest_hash(&pin));
	}
	free(text);
	return good;
}

static void take_text(struct tls_clients *c, struct bytes text, struct err *err)
{
	for (unsigned number = 1; text.len; number++) {
		char *line = bytes_dup(bytes_line(&text));
		const char *start = line + strspn(line, " \t");

		if (*start && *start != '#' && !take_client(c, start) &&
		    !err->text[0])
			err_set(err, EINVAL,
				"%s:%u: not \"SHA256:... NAME\": passed over",
				c->path, number);
		free(line);
	}
}

static bool others_write(const struct stat *st, const char *path,
			 struct err *err)
{
	if (!(st->st_mode & 022))
		return false;
	err_set(err, EPERM,
		"%s: others than its owner may write it, so nobody is "
		"admitted: chmod go-w %s",
		path, path);
	return true;
}

static void read_again(struct tls_clients *c, const struct stat *st,
		       struct err *err)
{
	struct buf text = { 0 };

	forget_all(c);
	if (!others_write(st, c->path, err) &&
	    !fs_read(c->path, TLS_CLIENTS_MAX, &text, err))
		take_text(c, buf_bytes(&text), err);
	buf_release(&text);
}

/* Nobody is admitted by what cannot be looked at; it is said once. */
static void clients_missing(struct tls_clients *c, int code, struct err *err)
{
	if (c->missing != code)
		err_set(err, code, "%s: %s: nobody is admitted", c->path,
			strerror(code));
	c->missing = code;
	c->read = false;
	forget_all(c);
}

static void look(struct tls_clients *c, struct err *err)
{
	struct stamp now;
	struct stat st;

	int code = stat(c->path, &st) ? errno : 0;

	if (code || !S_ISREG(st.st_mode)) {
		clients_missing(c, code ? code : EINVAL, err);
		return;
	}
	stamp_of(&now, &st);
	if (c->read && c->settled && stamp_equal(&now, &c->stamp))
		return;
	c->missing = 0;
	c->read = true;
	c->settled = stamp_settled(&now, stamp_now());
	c->stamp = now;
	read_again(c, &st, err);
}

const char *tls_clients_find(struct tls_clients *c, const struct digest *pin,
			     struct err *err)
{
	struct one_client *one;

	*err = (struct err){ 0 };
	look(c, err);
	one = client_of_pin(c, pin);
	return one ? one->name : NULL;
}
