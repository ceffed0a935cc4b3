/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kfarmd: the program of a node.  See kfarmd(8), and HACKING.md for the life of
 * a compile.
 *
 *	settings.c	parses the command line and node.conf
 *	listen.c	accepts build hosts (admission.c limits connections that
 *			are not authenticated); with --stdio, the transport
 *			command is the only connection
 *	session.c	serves one build host (client.c: its state)
 *	input-update.c	updates the files that jobs see (input-sink.c)
 *	job.c		executes a job from JOB to RESULT (argv.c, run.c)
 *	slots.c		shares the slots of the node among build hosts
 *	toolchains.c	holds installed toolchains
 */
#include "base/child.h"
#include "base/clock.h"
#include "base/digest.h"
#include "base/err.h"
#include "base/format.h"
#include "base/fs.h"
#include "base/json.h"
#include "base/list.h"
#include "base/log.h"
#include "base/outqueue.h"
#include "base/printable.h"
#include "base/socket.h"
#include "base/spawn.h"
#include "base/str.h"
#include "base/vec.h"
#include "compiler/host.h"
#include "kfarmd/kfarmd.h"
#include "kfarmd/listen.h"
#include "kfarmd/native-toolchain.h"
#include "kfarmd/session.h"
#include "kfarmd/settings.h"
#include "kfarmd/toolchains.h"
#include "machine/machine.h"
#include "sandbox/user.h"
#include "store/scratch-dir.h"
#include "store/store.h"
#include "tls/key.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* Limit on concurrent connections; further connections are closed. */
#define STATUS_CLIENTS_MAX 8
#define STATUS_TIMEOUT_S   5 /* limit for reading the reply */
#define STATUS_BACKLOG     8

struct status_client {
	TAILQ_ENTRY(status_client) entry;
	struct kfarmd_status *status;
	struct outqueue queue;
	struct event *write_event;
};

/*
 * Each kfarmd listens at DIR/live/NAME/status, in the scratch directory of its
 * open store (store/store.h).  A client that connects receives one JSON object,
 * described in kfarmd(8), and end of file.  The status is collected when a
 * client connects.
 */
struct kfarmd_status {
	struct kfarmd *daemon;
	struct event *listener;
	time_t start_s;
	TAILQ_HEAD(, status_client) clients;
	unsigned n_clients;
};

static json_t *status_to_json(const struct kfarmd_status *s)
{
	const struct kfarmd *a = s->daemon;
	json_t *o = json_object(), *slots, *store = json_object();
	struct store_stats n;

	slots = json_pack(
		"{s:i, s:i, s:i, s:i}", "limit", (int)a->slots.n_advertised,
		"compilers", (int)a->slots.max_running, "taken",
		(int)a->slots.n_jobs, "running", (int)a->slots.n_running);
	/* The used size is unknown until the store has counted its blobs. */
	store_stats(a->store, &n);
	json_object_set_new(store, "used",
			    n.counted ? json_integer((json_int_t)n.used_bytes) :
					json_null());
	json_object_set_new(store, "limit",
			    json_integer((json_int_t)n.limit_bytes));

	json_object_set_new(o, "pid", json_integer(getpid()));
	json_object_set_new(o, "software", json_text(KFARMD_SOFTWARE));
	json_object_set_new(o, "listen", json_text(a->listen_text));
	json_object_set_new(o, "began", json_integer(s->start_s));
	json_object_set_new(o, "fit", json_boolean(a->sandbox_check.usable));
	json_object_set_new(o, "slots", slots);
	json_object_set_new(o, "store", store);
	json_object_set_new(o, "clients", kfarmd_session_list_to_json(a));
	return o;
}

static void free_status_client(struct status_client *k)
{
	TAILQ_REMOVE(&k->status->clients, k, entry);
	k->status->n_clients--;
	event_free(k->write_event);
	close(k->queue.fd);
	outqueue_release(&k->queue);
	free(k);
}

static void on_writable(evutil_socket_t fd, short what, void *ctx)
{
	struct status_client *k = ctx;

	(void)fd;
	outqueue_flush(&k->queue, 0);
	if (!k->queue.pending.len || k->queue.error || what & EV_TIMEOUT)
		free_status_client(k);
}

static void on_status_requested(evutil_socket_t fd, short what, void *ctx)
{
	static const struct timeval limit = { .tv_sec = STATUS_TIMEOUT_S };
	struct kfarmd_status *s = ctx;
	int one = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct status_client *k;
	json_t *made;
	char *text;

	(void)what;
	if (one < 0)
		return;
	if (s->n_clients >= STATUS_CLIENTS_MAX) {
		close(one);
		return;
	}
	k = xcalloc(1, sizeof(*k));
	made = status_to_json(s);
	text = json_dumps(made, JSON_COMPACT | JSON_REAL_PRECISION(6));
	json_decref(made);
	if (!text)
		str_out_of_memory();
	k->status = s;
	outqueue_init(&k->queue, one, SIZE_MAX);
	outqueue_add(&k->queue, bytes_str(text));
	free(text);
	k->write_event = event_new(s->daemon->base, one, EV_WRITE | EV_PERSIST,
				   on_writable, k);
	if (!k->write_event || event_add(k->write_event, &limit))
		str_out_of_memory();
	TAILQ_INSERT_TAIL(&s->clients, k, entry);
	s->n_clients++;
}

/*
 * Listen for requests; a->store must be open.  Returns 0, or a negative errno
 * with `err` set.
 */
static int status_new(struct kfarmd_status **out, struct kfarmd *a,
		      struct err *err)
{
	/*
	 * Name the scratch directory by its descriptor, because its real path
	 * can exceed the maximum length of a socket address.
	 */
	char *path = xasprintf("/proc/self/fd/%d/status",
			       store_scratch_fd(a->store));
	int fd = socket_listen(path, STATUS_BACKLOG, err);
	struct kfarmd_status *s;

	free(path);
	if (fd < 0)
		return fd;
	*out = s = xcalloc(1, sizeof(*s));
	s->daemon = a;
	s->start_s = time(NULL);
	TAILQ_INIT(&s->clients);
	s->listener = event_new(a->base, fd, EV_READ | EV_PERSIST,
				on_status_requested, s);
	if (!s->listener || event_add(s->listener, NULL))
		str_out_of_memory();
	return 0;
}

/*
 * Close the status socket and free `s`.  Must be called before the store is
 * freed.  NULL is allowed.
 */
static void status_free(struct kfarmd_status *s)
{
	if (!s)
		return;
	while (!TAILQ_EMPTY(&s->clients))
		free_status_client(TAILQ_FIRST(&s->clients));
	close(event_get_fd(s->listener));
	event_free(s->listener);
	free(s);
}

#define REPLY_TIMEOUT_MS 2000 /* limit for all replies together */
#define REPLY_BYTES_MAX  (16u << 20) /* limit on one reply */

struct status_reply {
	char *name; /* scratch directory of the kfarmd: "PID.NUMBER" */
	int fd; /* -1: not listening */
	struct buf text;
	json_t *json; /* NULL: no valid reply */
};

struct status_replies {
	struct status_reply *replies;
	size_t n_replies;
};

/* Read the reply until the peer closes or `deadline` passes. */
static void read_status_reply(struct status_reply *k, uint64_t deadline)
{
	struct pollfd fd = { .fd = k->fd, .events = POLLIN };
	char block[65536];
	ssize_t n = 1;

	while (n > 0 && k->text.len < REPLY_BYTES_MAX) {
		uint64_t now = clock_ms();

		if (poll(&fd, 1, now < deadline ? (int)(deadline - now) : 0) <=
		    0)
			return;
		n = read(k->fd, block, sizeof(block));
		if (n > 0)
			buf_add(&k->text, block, (size_t)n);
	}
	k->json = json_loadb(buf_str(&k->text), k->text.len, 0, NULL);
	if (!json_is_object(k->json)) {
		json_decref(k->json);
		k->json = NULL;
	}
}

static int query_all_daemons(struct status_replies *all, const char *dir,
			     struct err *err)
{
	char *path = xasprintf("%s/live", dir);
	int live = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), ret;
	uint64_t deadline = clock_ms() + REPLY_TIMEOUT_MS;
	struct strv names = { 0 };

	*all = (struct status_replies){ 0 };
	if (live < 0) {
		ret = errno == ENOENT ? 0 : err_errno(err, "%s", path);
		free(path);
		return ret;
	}
	ret = store_scratch_dir_list(live, &names);
	if (ret)
		err_set(err, -ret, "%s: %s", path, strerror(-ret));
	for (size_t i = 0; i < names.n; i++) {
		struct status_reply *k = VEC_ADD(all->replies, all->n_replies);
		int fd = openat(live, names.v[i],
				O_RDONLY | O_DIRECTORY | O_NOFOLLOW |
					O_CLOEXEC);
		char *socket_path = xasprintf("/proc/self/fd/%d/status", fd);
		struct err ignored;

		k->name = xstrdup(names.v[i]);
		k->fd = fd < 0 ? -1 : socket_connect(socket_path, &ignored);
		free(socket_path);
		if (fd >= 0)
			close(fd);
	}
	for (size_t i = 0; i < all->n_replies; i++)
		read_status_reply(&all->replies[i], deadline);
	strv_release(&names);
	close(live);
	free(path);
	return ret;
}

static const char *json_text_of(const json_t *o, const char *name)
{
	const char *text = json_string_value(json_object_get(o, name));

	return text ? text : "";
}

static long long json_int_of(const json_t *o, const char *name)
{
	return json_integer_value(json_object_get(o, name));
}

static void put_each(struct buf *out, const json_t *o, const char *name,
		     void (*put)(struct buf *out, const json_t *one))
{
	const json_t *list = json_object_get(o, name);

	for (size_t i = 0; i < json_array_size(list); i++)
		put(out, json_array_get(list, i));
}

static void put_job_status(struct buf *out, const json_t *job)
{
	buf_printf(out, "    %-9s %6.1f s  ", json_text_of(job, "state"),
		   json_number_value(json_object_get(job, "seconds")));
	printable_add_escaped(out, bytes_str(json_text_of(job, "file")), 0);
	buf_add_str(out, "\n");
}

static void put_sandbox(struct buf *out, const json_t *cell)
{
	const char *compiler = json_text_of(cell, "compiler");
	const char *id = json_text_of(cell, "kept");

	buf_printf(out, "    sandbox %lld, %s: ", json_int_of(cell, "cell"),
		   json_text_of(cell, "state"));
	printable_add_escaped(out,
			      bytes_str(*id       ? id :
					*compiler ? compiler :
						    "toolchain installation"),
			      0);
	buf_add_str(out, "\n");
}

static void put_client_status(struct buf *out, const json_t *client)
{
	const char *software = json_text_of(client, "software");
	const char *name = json_text_of(client, "client");
	size_t jobs = json_array_size(json_object_get(client, "jobs"));

	buf_add_str(out, "  ");
	printable_add_escaped(out, bytes_str(json_text_of(client, "from")), 0);
	if (*name) {
		buf_add_str(out, " (");
		printable_add_escaped(out, bytes_str(name), 0);
		buf_add_str(out, ")");
	}
	buf_add_str(out, ", ");
	printable_add_escaped(
		out, bytes_str(*software ? software : "no HELLO yet"), 0);
	buf_printf(out, ", for %.0f s, %zu job%s",
		   json_number_value(json_object_get(client, "seconds")), jobs,
		   format_plural(jobs));
	if (json_int_of(client, "lease"))
		buf_printf(out, ", lease %lld", json_int_of(client, "lease"));
	buf_add_str(out, "\n");
	put_each(out, client, "cells", put_sandbox);
	put_each(out, client, "jobs", put_job_status);
}

static void put_daemon(struct buf *out, const struct status_reply *k)
{
	const json_t *slots = json_object_get(k->json, "slots");
	const char *listen = json_text_of(k->json, "listen");

	if (!k->json) {
		buf_printf(out, "kfarmd %.*s: %s\n", (int)strcspn(k->name, "."),
			   k->name, k->fd < 0 ? "not listening" : "no reply");
		return;
	}
	buf_printf(out, "kfarmd %lld (%s, ", json_int_of(k->json, "pid"),
		   json_text_of(k->json, "software"));
	if (*listen)
		printable_add_escaped(out, bytes_str(listen), 0);
	else
		buf_add_str(out, "--stdio");
	buf_printf(out,
		   "): %lld of %lld slots in use, %lld of %lld compilers "
		   "running\n",
		   json_int_of(slots, "taken"), json_int_of(slots, "limit"),
		   json_int_of(slots, "running"),
		   json_int_of(slots, "compilers"));
	put_each(out, k->json, "clients", put_client_status);
}

static void print_status_text(const struct status_replies *all, const char *dir,
			      const struct wire_held *held)
{
	const double gib = 1 << 30;
	const json_t *store = NULL;
	struct buf out = { 0 };

	for (size_t i = 0; i < all->n_replies; i++) {
		const json_t *one = json_object_get(all->replies[i].json,
						    "store");

		put_daemon(&out, &all->replies[i]);
		/* Prefer the reply of a kfarmd that has measured the store. */
		if (one &&
		    (!store || json_is_integer(json_object_get(one, "used"))))
			store = one;
	}
	if (store) {
		buf_printf(&out, "store %s: ", dir);
		if (json_is_integer(json_object_get(store, "used")))
			buf_printf(&out, "%.2f of ",
				   (double)json_int_of(store, "used") / gib);
		buf_printf(&out, "%.2f GiB\n",
			   (double)json_int_of(store, "limit") / gib);
	}
	for (uint32_t i = 0; i < held->n_toolchains; i++)
		buf_printf(&out, "toolchain %s%s\n", held->toolchains[i].id,
			   held->toolchains[i].state == WIRE_HELD_DAMAGED ?
				   ", damaged" :
				   "");
	fwrite(out.data, 1, out.len, stdout);
	buf_release(&out);
}

static void print_status_json(const struct status_replies *all, const char *dir,
			      const struct wire_held *held)
{
	json_t *daemons = json_array(), *tools = json_array(), *made;

	for (size_t i = 0; i < all->n_replies; i++)
		json_array_append(daemons, all->replies[i].json);
	for (uint32_t i = 0; i < held->n_toolchains; i++)
		json_array_append_new(
			tools, json_pack("{s:s, s:s, s:b}", "id",
					 held->toolchains[i].id, "host",
					 held->toolchains[i].host, "damaged",
					 held->toolchains[i].state ==
						 WIRE_HELD_DAMAGED));
	made = json_pack("{s:o, s:o, s:o}", "store", json_text(dir), "kfarmds",
			 daemons, "kept", tools);
	json_dumpf(made, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(6));
	putchar('\n');
	json_decref(made);
}

/*
 * Query all kfarmds that have the store `dir` open.  Print their status and the
 * installed toolchains in the directory `toolchains_dir` on stdout, as text or
 * JSON.  Returns the number of kfarmds, or a negative errno with `err` set.
 */
static int query_status(const char *dir, const char *toolchains_dir, bool json,
			struct err *err)
{
	static const atomic_bool never;
	struct wire_held tools = { 0 };
	struct status_replies all;
	struct err ignored;
	int ret = query_all_daemons(&all, dir, err);

	/*
	 * If the directory of toolchains cannot be read, no toolchain is
	 * listed.
	 */
	if (!ret && kfarmd_toolchains_list(toolchains_dir, false, &never,
					   &tools, &ignored))
		tools = (struct wire_held){ 0 };
	if (!ret && json)
		print_status_json(&all, dir, &tools);
	else if (!ret && all.n_replies)
		print_status_text(&all, dir, &tools);
	ret = ret ? ret : (int)all.n_replies;
	wire_held_release(&tools);
	for (size_t i = 0; i < all.n_replies; i++) {
		free(all.replies[i].name);
		if (all.replies[i].fd >= 0)
			close(all.replies[i].fd);
		buf_release(&all.replies[i].text);
		json_decref(all.replies[i].json);
	}
	free(all.replies);
	return ret;
}

static const char clients_template[] =
	"# Clients that may use this node, one per line: the fingerprint of "
	"the key\n"
	"# and a name.  `kfarm nodes add` on a build host adds its line.\n"
	"#SHA256:0000000000000000000000000000000000000000000 build-host\n";

static const char node_conf_template[] =
	"# Settings of kfarmd, see kfarmd(8).  Command-line options override "
	"them.\n"
	"[node]\n"
	"#\tlisten = 3634\n"
	"#\tslots = 4\n"
	"#\tstore = /var/lib/kfarm/store\n"
	"#\tstore-size = 10G\n"
	"#\ttoolchains = /var/lib/kfarm/toolchains\n"
	"#\thost = arm\n"
	"# The share of a client in the slots while several clients use "
	"them:\n"
	"#[client \"build-host\"]\n"
	"#\tweight = 100\n";

static int create_if_missing(const char *dir, const char *name,
			     const char *text, struct err *err)
{
	char *path = xasprintf("%s/%s", dir, name);
	int ret = fs_exists(path) ? 0 :
				    fs_write(path, bytes_str(text), 0644, err);

	free(path);
	return ret;
}

static int print_fingerprint(const char *dir, struct err *err)
{
	char *path = xasprintf("%s/key.pem", dir);
	char pin[TLS_KEY_FINGERPRINT_SIZE];
	struct tls_key *key;
	int ret = tls_key_load_or_create(&key, path, err);

	free(path);
	if (ret)
		return ret;
	tls_key_format_fingerprint(tls_key_fingerprint(key), pin);
	tls_key_free(key);
	if (puts(pin) < 0 || fflush(stdout))
		return err_errno(err, "cannot write to standard output");
	return 0;
}

/*
 * Create the directory `dir` and, if they are missing, key.pem, clients and
 * node.conf in it, then print the fingerprint of the key.  Returns 0, or a
 * negative errno with `err` set.
 */
static int init_config_dir(const char *dir, struct err *err)
{
	int ret;

	/*
	 * Let all users read the files, because the daemon may run as another
	 * user.  Only the key is secret.
	 */
	umask(022);
	ret = fs_mkdirs(dir, 0755, err);
	if (!ret)
		ret = create_if_missing(dir, "clients", clients_template, err);
	if (!ret)
		ret = create_if_missing(dir, "node.conf", node_conf_template,
					err);
	if (!ret)
		ret = print_fingerprint(dir, err);
	return ret;
}

#define SHUTDOWN_MS 3000 /* limit for killed processes to end */
/*
 * The files of a sandbox can take half of the memory, within these limits in
 * bytes.
 */
#define INPUT_ROOT_BYTES_MIN (512ull << 20)
#define INPUT_ROOT_BYTES_MAX (8ull << 30)

/* Print the output of --check and return the exit status. */
static int print_check(void)
{
	struct sandbox_check check;

	sandbox_check(&check);
	printf("sandbox: %s\nlayers: %s\n",
	       check.usable ? "ok" : "not available", check.layers);
	if (!check.usable)
		printf("missing: %s\n", check.reason);
	return check.usable ? EXIT_SUCCESS : EXIT_FAILURE;
}

static char *choose_store_dir(const struct kfarmd_settings *s)
{
	char *home = geteuid() ? fs_data_home() : xstrdup("/var/lib/kfarm");
	char *dir = s->store ? fs_make_absolute(s->store) :
			       xasprintf("%s/store", home);

	free(home);
	return dir;
}

static char *choose_toolchains_dir(const struct kfarmd_settings *s,
				   const char *store)
{
	char *up = str_dir(store);
	char *out = s->toolchains ? fs_make_absolute(s->toolchains) :
				    xasprintf("%s/toolchains",
					      strcmp(up, "/") ? up : "");

	free(up);
	return out;
}

/* Print the output of --status and return the exit status. */
static int print_status(const struct kfarmd_settings *s)
{
	char *dir = choose_store_dir(s),
	     *toolchains_dir = choose_toolchains_dir(s, dir);
	struct err err;
	int n = query_status(dir, toolchains_dir, s->json, &err);

	if (n < 0)
		log_error("%s", err.text);
	else if (!n)
		log_error("no kfarmd is running with the store %s", dir);
	free(toolchains_dir);
	free(dir);
	return n > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

static void on_signal(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	event_base_loopbreak(arg);
}

static void stop_loop(struct kfarmd *a)
{
	event_base_loopbreak(a->base);
}

/*
 * Serve the peer on stdin and stdout.  Redirects file descriptor 1 to stderr,
 * because only messages may reach the peer.
 */
static int start_stdio(struct kfarmd *a, struct err *err)
{
	/* sshd reports the address of its client in this variable. */
	const char *ssh = getenv("SSH_CONNECTION");
	int in = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
	int out = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
	int none = open("/dev/null", O_RDONLY | O_CLOEXEC);
	char *from;

	if (in < 0 || out < 0 || none < 0 || dup2(none, STDIN_FILENO) < 0 ||
	    dup2(STDERR_FILENO, STDOUT_FILENO) < 0)
		return err_errno(err,
				 "cannot redirect standard input and output");
	close(none);
	a->on_idle = stop_loop;
	from = ssh && *ssh ? xstrndup(ssh, strcspn(ssh, " ")) :
			     xasprintf("process %d", (int)getppid());
	kfarmd_session_start(a, wire_io_from_fds(in, out),
			     &(struct kfarmd_session_peer){ .address = from });
	free(from);
	return 0;
}

static int init_daemon(struct kfarmd *a, const struct kfarmd_settings *s,
		       struct err *err)
{
	struct wire_inventory inv;
	struct err status;
	char *dir = choose_store_dir(s);
	const char *host;
	uint64_t half;
	int ret;

	TAILQ_INIT(&a->sessions);
	a->configured_slots = s->slots;
	a->settings = s;
	ret = store_open(&a->store, dir, s->store_size, err);
	/*
	 * The toolchains directory is neither created nor read before a request
	 * needs it.
	 */
	if (!ret)
		a->toolchains_dir = choose_toolchains_dir(s, dir);
	free(dir);
	if (ret)
		return ret;
	a->native_toolchains = kfarmd_native_toolchain_cache_new();
	a->children = children_new(a->base);
	children_reap_orphans(a->children);
	machine_inventory_collect(&inv, "");
	kfarmd_slots_init(&a->slots, inv.cores, s->slots);
	/*
	 * Limit the files of a sandbox to half of the memory, because they are
	 * in memory and the compilers need memory as well.
	 */
	half = ((uint64_t)inv.memory_mib << 20) / 2;
	if (half < INPUT_ROOT_BYTES_MIN)
		half = INPUT_ROOT_BYTES_MIN;
	a->sandbox_limits.input_root_bytes = half < INPUT_ROOT_BYTES_MAX ?
						     half :
						     INPUT_ROOT_BYTES_MAX;
	host = compiler_host_release_name(inv.machine);
	strv_add(&a->hosts, wire_host_is_valid(host) ? host : "unknown");
	for (size_t i = 0; i < s->hosts.n; i++) {
		if (!strv_has(&a->hosts, s->hosts.v[i]))
			strv_add(&a->hosts, s->hosts.v[i]);
	}
	wire_inventory_release(&inv);
	sandbox_check(&a->sandbox_check);
	if (!a->sandbox_check.usable)
		log_warning("cannot run jobs: %s", a->sandbox_check.reason);
	/*
	 * Some file systems do not support sockets; kfarmd then works without
	 * its status socket.
	 */
	if (status_new(&a->status, a, &status))
		log_warning("--status will not list this kfarmd: %s",
			    status.text);
	return 0;
}

/*
 * End the sessions and free the daemon.  Returns false, and frees nothing, if a
 * job, sandbox or toolchain request has not ended within SHUTDOWN_MS.
 */
static bool release_daemon(struct kfarmd *a)
{
	struct timeval tick = { .tv_usec = 5000 };
	uint64_t deadline;

	if (a->children) {
		kfarmd_session_end_all(a, "kfarmd is shutting down");
		/*
		 * Dropped jobs and sandboxes are freed when their threads are
		 * done.
		 */
		deadline = clock_ms() + SHUTDOWN_MS;
		while ((a->slots.n_jobs || a->n_active) &&
		       clock_ms() < deadline) {
			event_base_loopexit(a->base, &tick);
			event_base_loop(a->base, EVLOOP_ONCE);
		}
		children_wait(a->children, SHUTDOWN_MS);
	}
	if (a->slots.n_jobs || a->n_active)
		return false;
	status_free(a->status);
	children_free(a->children);
	machine_health_release(&a->health);
	store_free(a->store);
	free(a->toolchains_dir);
	kfarmd_native_toolchain_cache_free(a->native_toolchains);
	strv_release(&a->hosts);
	event_base_free(a->base);
	return true;
}

static int run_loop(struct kfarmd *a, const struct kfarmd_settings *s,
		    struct err *err)
{
	static const int signals[] = { SIGTERM, SIGINT, SIGHUP };
	struct event *ends[ARRAY_SIZE(signals)] = { 0 };
	struct kfarmd_listen *listener = NULL;
	int ret;

	for (size_t i = 0; i < ARRAY_SIZE(signals); i++) {
		if (spawn_is_ignored(signals[i]))
			continue;
		ends[i] = evsignal_new(a->base, signals[i], on_signal, a->base);
		if (!ends[i] || event_add(ends[i], NULL))
			str_out_of_memory();
	}
	ret = s->stdio ? start_stdio(a, err) :
			 kfarmd_listen_new(&listener, a, &s->listen,
					   kfarmd_settings_dir(s), err);
	if (!ret)
		event_base_dispatch(a->base);
	/* End the sessions first: they use a->clients. */
	kfarmd_session_end_all(a, "kfarmd is shutting down");
	kfarmd_listen_free(listener);
	for (size_t i = 0; i < ARRAY_SIZE(signals); i++) {
		if (ends[i])
			event_free(ends[i]);
	}
	return ret;
}

/* libevent's messages are useful only for debugging. */
static void on_event_log(int severity, const char *text)
{
	(void)severity;
	log_debug("libevent: %s", text);
}

/*
 * If kfarmd listens on the network, drop all capabilities except those that
 * sandboxes and a port below 1024 need.  Without the network this has no use:
 * peers through ssh or a Unix socket already have the rights of kfarmd's user.
 */
static int drop_capabilities(const struct kfarmd_settings *s, struct err *err)
{
	bool network = false, low = false;
	int ret;

	for (size_t i = 0; i < s->listen.n && !s->stdio; i++) {
		const char *where = s->listen.v[i], *port;

		if (str_starts(where, "unix:"))
			continue;
		port = strrchr(where, ':');
		port = port ? port + 1 : where;
		network = true;
		low = low || (atoi(port) > 0 && atoi(port) < 1024);
	}
	ret = network ? sandbox_user_limit_capabilities(low) : 0;
	return ret ? err_set(err, -ret, "cannot drop capabilities: %s",
			     strerror(-ret)) :
		     0;
}

static int run_daemon(const struct kfarmd_settings *s, struct err *err)
{
	struct kfarmd a = { 0 };
	int ret;

	ret = drop_capabilities(s, err);
	if (ret)
		return ret;
	event_set_log_callback(on_event_log);
	a.base = event_base_new();
	if (!a.base)
		return err_set(err, EIO, "cannot create event loop");
	ret = init_daemon(&a, s, err);
	if (!ret)
		ret = run_loop(&a, s, err);
	if (!release_daemon(&a)) {
		if (ret)
			log_error("%s", err->text);
		_exit(ret ? EXIT_FAILURE : EXIT_SUCCESS);
	}
	return ret;
}

/* Run the selected mode and return the exit status. */
static int run_selected_mode(const struct kfarmd_settings *s, struct err *err)
{
	struct rlimit none = { 0 }, files;
	int ret;

	if (s->init) {
		ret = init_config_dir(kfarmd_settings_dir(s), err);
	} else {
		umask(077);
		digest_ignore_openssl_conf();
		signal(SIGPIPE, SIG_IGN);
		setrlimit(RLIMIT_CORE, &none);
		if (!getrlimit(RLIMIT_NOFILE, &files)) {
			files.rlim_cur = files.rlim_max;
			setrlimit(RLIMIT_NOFILE, &files);
		}
		if (s->check)
			return print_check();
		if (s->status)
			return print_status(s);
		ret = run_daemon(s, err);
	}
	if (ret)
		log_error("%s", err->text);
	return ret ? EXIT_FAILURE : EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	struct kfarmd_settings s = { 0 };
	struct err err = { 0 };
	int ret = EXIT_SUCCESS;
	char *help;

	(void)argc;
	log_init("kfarmd", LOG_WARNING);
	if (kfarmd_settings_read(&s, argv + 1, &err)) {
		log_error("%s", err.text);
		ret = EXIT_FAILURE;
	} else if (s.version) {
		puts(KFARMD_SOFTWARE);
	} else if (s.help) {
		help = kfarmd_settings_help();
		fputs(help, stdout);
		free(help);
	} else {
		if (s.listen.n && !s.status)
			log_init("kfarmd", LOG_INFO);
		ret = run_selected_mode(&s, &err);
	}
	kfarmd_settings_release(&s);
	return ret;
}
