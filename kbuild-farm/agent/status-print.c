/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "agent/status.h"

#include "agent/kept.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/printable.h"
#include "base/socket.h"
#include "base/vec.h"
#include "store/live.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define ANSWER_MS  2000 /* for all of them */
#define ANSWER_MAX (16u << 20) /* bytes of one */

struct asked {
	char *name; /* of its directory: its pid, a point, a number */
	int fd; /* -1: it does not listen */
	struct buf text;
	json_t *said; /* NULL: nothing of use */
};

struct all_asked {
	struct asked *v;
	size_t n;
};

/* --------------------------------------------------------------- asking */

static void connect_to_kfarmd(struct asked *k, int live)
{
	struct err ignored;
	int dir = openat(live, k->name,
			 O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	char *path = xasprintf("/proc/self/fd/%d/status", dir);

	k->fd = dir < 0 ? -1 : socket_connect(path, &ignored);
	free(path);
	if (dir >= 0)
		close(dir);
}

/* All of it that comes until `deadline`. */
static void hear_answer(struct asked *k, uint64_t deadline)
{
	struct pollfd fd = { .fd = k->fd, .events = POLLIN };
	char block[65536];
	ssize_t n = 1;

	while (n > 0 && k->text.len < ANSWER_MAX) {
		uint64_t now = clock_ms();

		if (poll(&fd, 1, now < deadline ? (int)(deadline - now) : 0) <=
		    0)
			return;
		n = read(k->fd, block, sizeof(block));
		if (n > 0)
			buf_add(&k->text, block, (size_t)n);
	}
	k->said = json_loadb(buf_str(&k->text), k->text.len, 0, NULL);
	if (!json_is_object(k->said)) {
		json_decref(k->said);
		k->said = NULL;
	}
}

static void release_asked(struct all_asked *all)
{
	for (size_t i = 0; i < all->n; i++) {
		free(all->v[i].name);
		if (all->v[i].fd >= 0)
			close(all->v[i].fd);
		buf_release(&all->v[i].text);
		json_decref(all->v[i].said);
	}
	free(all->v);
}

static int ask_all(struct all_asked *all, const char *dir, struct err *err)
{
	char *path = xasprintf("%s/live", dir);
	int live = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), ret;
	uint64_t deadline = clock_ms() + ANSWER_MS;
	struct strv names = { 0 };

	*all = (struct all_asked){ 0 };
	if (live < 0) {
		ret = errno == ENOENT ? 0 : err_errno(err, "%s", path);
		free(path);
		return ret;
	}
	ret = store_live_list(live, &names);
	if (ret)
		err_set(err, -ret, "%s: %s", path, strerror(-ret));
	for (size_t i = 0; i < names.n; i++) {
		struct asked *k = VEC_ADD(all->v, all->n);

		k->name = xstrdup(names.v[i]);
		connect_to_kfarmd(k, live);
	}
	for (size_t i = 0; i < all->n; i++)
		hear_answer(&all->v[i], deadline);
	strv_release(&names);
	close(live);
	free(path);
	return ret;
}

/* ------------------------------------------------------------- as text */

static const char *text_of(const json_t *o, const char *name)
{
	const char *text = json_string_value(json_object_get(o, name));

	return text ? text : "";
}

static long long whole_of(const json_t *o, const char *name)
{
	return json_integer_value(json_object_get(o, name));
}

static double seconds_of(const json_t *o, const char *name)
{
	return json_number_value(json_object_get(o, name));
}

static void put_each(struct buf *out, const json_t *o, const char *name,
		     void (*put)(struct buf *out, const json_t *one))
{
	const json_t *list = json_object_get(o, name);

	for (size_t i = 0; i < json_array_size(list); i++)
		put(out, json_array_get(list, i));
}

static void put_job(struct buf *out, const json_t *job)
{
	buf_printf(out, "    %-9s %6.1f s  ", text_of(job, "state"),
		   seconds_of(job, "seconds"));
	printable_add(out, bytes_str(text_of(job, "file")), 0);
	buf_add_str(out, "\n");
}

static void put_cell_now(struct buf *out, const json_t *cell)
{
	const char *compiler = text_of(cell, "compiler");
	const char *kept = text_of(cell, "kept");

	buf_printf(out, "    cell %lld, %s: ", whole_of(cell, "cell"),
		   text_of(cell, "state"));
	printable_add(out,
		      bytes_str(*kept     ? kept :
				*compiler ? compiler :
					    "a toolchain to be kept"),
		      0);
	buf_add_str(out, "\n");
}

static void put_client(struct buf *out, const json_t *client)
{
	const char *software = text_of(client, "software");
	const char *name = text_of(client, "client");
	size_t jobs = json_array_size(json_object_get(client, "jobs"));

	buf_add_str(out, "  ");
	printable_add(out, bytes_str(text_of(client, "from")), 0);
	if (*name) {
		buf_add_str(out, " (");
		printable_add(out, bytes_str(name), 0);
		buf_add_str(out, ")");
	}
	buf_add_str(out, ", ");
	printable_add(out, bytes_str(*software ? software : "no hello yet"), 0);
	buf_printf(out, ", for %.0f s, %zu job%s\n",
		   seconds_of(client, "seconds"), jobs, jobs == 1 ? "" : "s");
	put_each(out, client, "cells", put_cell_now);
	put_each(out, client, "jobs", put_job);
}

static void put_daemon(struct buf *out, const struct asked *k)
{
	const json_t *slots = json_object_get(k->said, "slots");
	const char *listen = text_of(k->said, "listen");

	if (!k->said) {
		buf_printf(out, "kfarmd %.*s: %s\n", (int)strcspn(k->name, "."),
			   k->name,
			   k->fd < 0 ? "it does not listen" :
				       "it does not answer");
		return;
	}
	buf_printf(out, "kfarmd %lld (%s, ", whole_of(k->said, "pid"),
		   text_of(k->said, "software"));
	if (*listen)
		printable_add(out, bytes_str(listen), 0);
	else
		buf_add_str(out, "--stdio");
	buf_printf(out,
		   "): %lld of %lld slots taken, %lld of %lld compilers run\n",
		   whole_of(slots, "taken"), whole_of(slots, "limit"),
		   whole_of(slots, "running"), whole_of(slots, "compilers"));
	put_each(out, k->said, "clients", put_client);
}

/* Any of them may have counted it. */
static const json_t *find_store(const struct all_asked *all)
{
	const json_t *store = NULL;

	for (size_t i = 0; i < all->n; i++) {
		const json_t *one = json_object_get(all->v[i].said, "store");

		if (one &&
		    (!store || json_is_integer(json_object_get(one, "used"))))
			store = one;
	}
	return store;
}

static void put_store(struct buf *out, const char *dir, const json_t *store)
{
	const double gib = 1 << 30;

	buf_printf(out, "store %s: ", dir);
	if (json_is_integer(json_object_get(store, "used")))
		buf_printf(out, "%.2f of ",
			   (double)whole_of(store, "used") / gib);
	buf_printf(out, "%.2f GiB\n", (double)whole_of(store, "limit") / gib);
}

static void print_text(const struct all_asked *all, const char *dir,
		       const struct wire_held *kept)
{
	const json_t *store = find_store(all);
	struct buf out = { 0 };

	for (size_t i = 0; i < all->n; i++)
		put_daemon(&out, &all->v[i]);
	if (store)
		put_store(&out, dir, store);
	for (uint32_t i = 0; i < kept->n; i++)
		buf_printf(&out, "kept %s%s\n", kept->all[i].id,
			   kept->all[i].state == WIRE_HELD_DAMAGED ?
				   ", damaged" :
				   "");
	fwrite(out.data, 1, out.len, stdout);
	buf_release(&out);
}

/* ------------------------------------------------------------- as JSON */

static void print_json(const struct all_asked *all, const char *dir,
		       const struct wire_held *kept)
{
	json_t *daemons = json_array(), *tools = json_array(), *made;

	for (size_t i = 0; i < all->n; i++)
		json_array_append(daemons, all->v[i].said);
	for (uint32_t i = 0; i < kept->n; i++)
		json_array_append_new(
			tools,
			json_pack("{s:s, s:s, s:b}", "id", kept->all[i].id,
				  "host", kept->all[i].host, "damaged",
				  kept->all[i].state == WIRE_HELD_DAMAGED));
	made = json_pack("{s:o, s:o, s:o}", "store", json_text(dir), "kfarmds",
			 daemons, "kept", tools);
	json_dumpf(made, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(6));
	putchar('\n');
	json_decref(made);
}

int agent_status_print(const char *dir, const char *kept, bool json,
		       struct err *err)
{
	static const atomic_bool never;
	struct wire_held tools = { 0 };
	struct all_asked all;
	struct err ignored;
	int ret = ask_all(&all, dir, err);

	/* What cannot be read is not kept. */
	if (!ret && agent_kept_list(kept, false, &never, &tools, &ignored))
		tools = (struct wire_held){ 0 };
	if (!ret && json)
		print_json(&all, dir, &tools);
	else if (!ret && all.n)
		print_text(&all, dir, &tools);
	ret = ret ? ret : (int)all.n;
	wire_held_release(&tools);
	release_asked(&all);
	return ret;
}
