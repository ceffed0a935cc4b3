/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "relay/internal.h"

#include "base/file-stamp.h"
#include "base/fs.h"
#include "base/vec.h"
#include "conf/locate.h"
#include "node/address.h"
#include "node/roster.h"
#include "tls/key.h"
#include "wire/codec.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* as in conf/conf.c, which kfarmd does not use, because it needs libgit2 */
#define SYSTEM_FILE "/etc/kfarm/config"

struct roster_reading {
	struct node_entry *v;
	size_t n;
	bool has_includes;
	struct err *err;
};

static struct node_entry *need_entry(struct roster_reading *r, const char *name)
{
	struct node_entry *e;

	for (size_t i = 0; i < r->n; i++) {
		if (!strcmp(r->v[i].name, name))
			return &r->v[i];
	}
	if (node_entry_check_name(name, r->err))
		return NULL;
	/* The protocol permits fewer names than the configuration. */
	if (!wire_member_is_valid(name)) {
		err_set(r->err, EINVAL,
			"invalid node name \"%s\": a relay does not permit a "
			"leading dot",
			name);
		return NULL;
	}
	e = VEC_ADD(r->v, r->n);
	*e = (struct node_entry){ .name = xstrdup(name), .codec = WIRE_LZO };
	return e;
}

/* Ignore keys that only build hosts use, because kfarm checks all keys. */
static int read_node_item(struct roster_reading *r,
			  const struct conf_item *item)
{
	const char *value = item->value ? item->value : "true";
	struct node_entry *e;
	long slots;

	if (strcmp(item->section, "node") || !item->sub)
		return 0;
	e = need_entry(r, item->sub);
	if (!e)
		return -EINVAL;
	if (!item->key)
		return 0;
	if (!strcmp(item->key, "address")) {
		node_address_release(&e->address);
		free(e->address_text);
		e->address_text = xstrdup(value);
		return node_address_parse(&e->address, value, r->err);
	}
	if (!strcmp(item->key, "key"))
		return tls_key_check_fingerprint(&e->pin, value, r->err);
	if (!strcmp(item->key, "drain")) {
		if (strcmp(value, "true") && strcmp(value, "false"))
			return err_set(r->err, EINVAL,
				       "invalid drain \"%s\": expected true or "
				       "false",
				       value);
		e->drained = !strcmp(value, "true");
	}
	if (!strcmp(item->key, "codec") && wire_codec_parse(value, &e->codec))
		return err_set(r->err, EINVAL,
			       "unknown codec \"%s\": expected none, lzo or "
			       "zstd",
			       value);
	if (!strcmp(item->key, "slots")) {
		if (str_parse_number(value, 1, NODE_SLOTS_MAX, &slots))
			return err_set(r->err, EINVAL,
				       "invalid number of slots: %s", value);
		e->slots = (unsigned)slots;
	}
	return 0;
}

static int on_item(void *ctx, const char *path, const struct conf_item *item)
{
	struct roster_reading *r = ctx;
	int ret = read_node_item(r, item);

	r->has_includes |= !strcmp(item->section, "include");
	if (ret)
		err_wrap(r->err, "%s:%u", path, item->line);
	return ret;
}

static int check_member(const struct node_entry *e, struct err *err)
{
	if (!e->address_text)
		return err_set(err, EINVAL, "node %s has no address", e->name);
	if (e->address.kind == NODE_ADDRESS_TLS && !digest_is_set(&e->pin))
		return err_set(err, EINVAL,
			       "node %s: missing key; set `key = SHA256:...` "
			       "as printed by `kfarmd --init` on the node",
			       e->name);
	return 0;
}

int relay_roster_read(const struct strv *files, struct node_entry **out,
		      size_t *n, bool *has_includes, struct err *err)
{
	struct roster_reading r = { .err = err };
	int ret = 0;

	for (size_t i = 0; !ret && i < files->n; i++)
		ret = conf_locate_walk(files->v[i], on_item, &r, err);
	for (size_t i = 0; !ret && i < r.n; i++)
		ret = check_member(&r.v[i], err);
	if (!ret && !r.n)
		ret = err_set(err, EINVAL,
			      "%s: no node: a relay needs a section "
			      "[node \"NAME\"] for each member",
			      files->n ? files->v[files->n - 1] :
					 "no configuration");
	if (ret) {
		relay_roster_free(r.v, r.n);
		return ret;
	}
	*out = r.v;
	*n = r.n;
	*has_includes = r.has_includes;
	return 0;
}

char *relay_roster_stamp_files(const struct strv *files)
{
	int64_t now = file_stamp_now_ns();
	struct buf all = { 0 };
	char *copy = NULL;

	for (size_t i = 0; i < files->n; i++) {
		struct file_stamp stamp;
		struct stat st;
		char *text;

		if (stat(files->v[i], &st))
			goto out;
		file_stamp_from_stat(&stamp, &st);
		if (!file_stamp_is_reliable(&stamp, now))
			goto out;
		text = file_stamp_format(&stamp);
		buf_printf(&all, "%s %s\n", files->v[i], text);
		free(text);
	}
	copy = buf_steal(&all);
out:
	buf_release(&all);
	return copy;
}

int relay_roster_find_files(struct strv *files, struct err *err)
{
	const char *only = getenv("KFARM_CONFIG");
	char *home, *user;

	if (only && *only) {
		strv_add(files, only);
		return 0;
	}
	home = fs_config_home();
	user = xasprintf("%s/config", home);
	if (fs_exists(SYSTEM_FILE))
		strv_add(files, SYSTEM_FILE);
	if (fs_exists(user))
		strv_add(files, user);
	if (!files->n)
		err_set(err, ENOENT,
			"neither " SYSTEM_FILE " nor %s exists; a relay needs "
			"a section [node \"NAME\"] for each member",
			user);
	free(user);
	free(home);
	return files->n ? 0 : -ENOENT;
}

void relay_roster_free(struct node_entry *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		node_entry_release(&v[i]);
	free(v);
}
