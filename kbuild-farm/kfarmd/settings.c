/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kfarmd/settings.h"

#include "base/args.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/spellcheck.h"
#include "base/str.h"
#include "base/vec.h"
#include "compiler/host.h"
#include "conf/locate.h"
#include "conf/scan.h"
#include "wire/msg.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define TCP_BACKLOG 1024

union socket_address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
	struct sockaddr_storage storage;
};

/* Parse an IPv6 address such as "2001:db8::1" or "fe80::1%eth0". */
static bool parse_v6(const char *host, struct sockaddr_in6 *at)
{
	size_t len = strcspn(host, "%");
	char *plain = xstrndup(host, len);
	bool good = inet_pton(AF_INET6, plain, &at->sin6_addr) == 1;

	free(plain);
	at->sin6_family = AF_INET6;
	if (good && host[len]) {
		at->sin6_scope_id = if_nametoindex(host + len + 1);
		good = at->sin6_scope_id != 0;
	}
	return good;
}

/*
 * Replace an IPv4-mapped IPv6 address by the IPv4 address, because a socket
 * with IPV6_V6ONLY cannot be bound to an IPv4-mapped address.
 */
static void unmap_v4(union socket_address *at)
{
	const struct in6_addr v6 = at->v6.sin6_addr;

	if (at->any.sa_family != AF_INET6 || !IN6_IS_ADDR_V4MAPPED(&v6))
		return;
	*at = (union socket_address){ .v4.sin_family = AF_INET };
	memcpy(&at->v4.sin_addr, v6.s6_addr + 12, sizeof(at->v4.sin_addr));
}

/* Accept numeric addresses only: a name can resolve differently later. */
static int parse_listen_address(union socket_address *at, const char *text,
				struct err *err)
{
	const char *colon = strrchr(text, ':');
	bool brackets = *text == '[';
	char *host;
	bool good;
	long port;

	*at = (union socket_address){ .v6.sin6_family = AF_INET6 };
	good = !str_parse_number(colon ? colon + 1 : text, 0, 65535, &port) &&
	       (!brackets || (colon && colon[-1] == ']'));
	if (good && colon) {
		host = xstrndup(text + brackets,
				(size_t)(colon - text) - 2 * brackets);
		if (brackets) {
			good = parse_v6(host, &at->v6);
			unmap_v4(at);
		} else {
			at->v4.sin_family = AF_INET;
			good = inet_pton(AF_INET, host, &at->v4.sin_addr) == 1;
		}
		free(host);
	}
	if (!good)
		return err_set(err, EINVAL,
			       "%s: must be unix:PATH, PORT, ADDRESS:PORT or "
			       "[IPv6 ADDRESS]:PORT",
			       text);
	/* sin_port and sin6_port have the same offset. */
	at->v4.sin_port = htons((uint16_t)port);
	return 0;
}

static int open_port(const union socket_address *at, bool both)
{
	static const int yes = 1;
	bool v6 = at->any.sa_family == AF_INET6;
	int only_v6 = !both;
	int fd = socket(at->any.sa_family,
			SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int ret = fd < 0 ? -errno : 0;

	if (!ret &&
	    (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)) ||
	     (v6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only_v6,
			       sizeof(only_v6))) ||
	     bind(fd, &at->any, v6 ? sizeof(at->v6) : sizeof(at->v4)) ||
	     listen(fd, TCP_BACKLOG)))
		ret = -errno;
	if (ret && fd >= 0)
		close(fd);
	return ret ? ret : fd;
}

/* Format "192.0.2.7:40123"; an IPv4-mapped address is shown as IPv4. */
static char *format_socket_address(const union socket_address *a)
{
	const struct in6_addr *v6 = &a->v6.sin6_addr;
	char host[INET6_ADDRSTRLEN] = "";
	unsigned port = ntohs(a->v4.sin_port);

	if (a->any.sa_family == AF_INET) {
		inet_ntop(AF_INET, &a->v4.sin_addr, host, sizeof(host));
		return xasprintf("%s:%u", host, port);
	}
	if (IN6_IS_ADDR_V4MAPPED(v6)) {
		inet_ntop(AF_INET, v6->s6_addr + 12, host, sizeof(host));
		return xasprintf("%s:%u", host, port);
	}
	inet_ntop(AF_INET6, v6, host, sizeof(host));
	return xasprintf("[%s]:%u", host, port);
}

int kfarmd_settings_listen(const char *text, int *fd, char **bound_address,
			   struct err *err)
{
	union socket_address address, v4 = { .v4.sin_family = AF_INET };
	socklen_t len = sizeof(address);
	bool all = !strchr(text, ':');
	int ret = parse_listen_address(&address, text, err);

	if (ret)
		return ret;
	*fd = open_port(&address, all);
	if (all && (*fd == -EAFNOSUPPORT || *fd == -EADDRNOTAVAIL)) {
		/* The kernel has no IPv6: listen on IPv4 only. */
		v4.v4.sin_port = address.v6.sin6_port;
		*fd = open_port(&v4, false);
	}
	if (*fd < 0)
		return err_set(err, -*fd, "cannot listen on %s: %s", text,
			       strerror(-*fd));
	getsockname(*fd, &address.any, &len);
	*bound_address = format_socket_address(&address);
	return 0;
}

char *kfarmd_settings_format_address(const struct sockaddr_storage *peer)
{
	union socket_address a = { .storage = *peer };

	return format_socket_address(&a);
}

#define JOB_SLOTS_MAX 4096
#define STORE_MIN_MIB 1
#define STORE_MAX_MIB (16l << 20)

static int parse_listen_option(void *at, const struct args *a, struct err *err)
{
	union socket_address address;

	if (str_starts(a->value, "unix:") && !a->value[5])
		return err_set(err, EINVAL, "--listen unix: missing path");
	if (!str_starts(a->value, "unix:") &&
	    parse_listen_address(&address, a->value, err)) {
		err_wrap(err, "--listen");
		return -EINVAL;
	}
	return args_list(at, a, err);
}

static int parse_slots_option(void *at, const struct args *a, struct err *err)
{
	long n;

	if (str_parse_number(a->value, 1, JOB_SLOTS_MAX, &n))
		return err_set(err, EINVAL,
			       "--slots %s: must be a number from 1 to %d",
			       a->value, JOB_SLOTS_MAX);
	*(uint16_t *)at = (uint16_t)n;
	return 0;
}

/* Parse a size with the unit M, G or T (powers of 1,024) into bytes. */
static int parse_store_size_option(void *at, const struct args *a,
				   struct err *err)
{
	const char *value = a->value;
	static const char units[] = "MGT";
	size_t len = strlen(value);
	const char *unit = len ? strchr(units, value[len - 1]) : NULL;
	char *digits = xstrndup(value, len ? len - 1 : 0);
	int shift = unit ? 10 * (int)(unit - units) : 0;
	long n = 0;
	int ret = unit ? str_parse_number(digits, STORE_MIN_MIB,
					  STORE_MAX_MIB >> shift, &n) :
			 -EINVAL;

	free(digits);
	if (ret)
		return err_set(
			err, EINVAL,
			"--store-size %s: must be a size such as 800M or 20G",
			value);
	*(uint64_t *)at = (uint64_t)n << (20 + shift);
	return 0;
}

static int parse_host_option(void *at, const struct args *a, struct err *err)
{
	const struct strv *hosts = at;

	if (!wire_host_is_valid(a->value))
		return err_set(
			err, EINVAL,
			"--host %s: must be a name such as arm64 or x86_64",
			a->value);
	if (hosts->n >= WIRE_HOSTS_MAX - 1)
		return err_set(err, EINVAL,
			       "--host: too many values: limit is %d",
			       WIRE_HOSTS_MAX - 1);
	return args_list(at, a, err);
}

/*
 * Warn about an architecture `host` for which no toolchain can exist.  Such a
 * host is not an error, because a later release can have toolchains for more
 * architectures.
 *
 * `origin` is "FILE:LINE: ", or "" for the command line.
 */
static void warn_unknown_host(const char *origin, const char *host)
{
	struct strv known = { 0 };
	struct spellcheck n;
	char *names, *fallback, *question;

	compiler_host_list_release_names(&known);
	if (!strv_has(&known, host)) {
		spellcheck_init(&n, host);
		for (size_t i = 0; i < known.n; i++)
			spellcheck_add(&n, known.v[i]);
		names = strv_join(&known, " ");
		fallback = xasprintf("; known architectures: %s", names);
		question = spellcheck_suggestion(&n, "", fallback);
		log_warning("%s%shost %s: unknown architecture%s", origin,
			    *origin ? "" : "--", host, question);
		free(question);
		free(fallback);
		free(names);
	}
	strv_release(&known);
}

static int parse_neighbors_option(void *at, const struct args *a,
				  struct err *err)
{
	enum kfarmd_settings_neighbors *neighbors = at;

	if (!strcmp(a->value, "yes"))
		*neighbors = KFARMD_SETTINGS_NEIGHBORS_YES;
	else if (!strcmp(a->value, "no"))
		*neighbors = KFARMD_SETTINGS_NEIGHBORS_NO;
	else
		return err_set(err, EINVAL, "--neighbors %s: must be yes or no",
			       a->value);
	return 0;
}

#define AT(member) offsetof(struct kfarmd_settings, member)

/* The first N_CONF_OPTIONS options are also keys of node.conf. */
static const struct args_option options[] = {
	{ 0, "listen", "WHERE",
	  "accept connections on unix:PATH or [ADDRESS:]PORT",
	  parse_listen_option, AT(listen), 0 },
	{ 0, "slots", "N", "offer N slots instead of cores + cores / 4",
	  parse_slots_option, AT(slots), 0 },
	{ 0, "store", "DIR",
	  "store compilers and sources from build hosts in DIR", args_text,
	  AT(store), 0 },
	{ 0, "store-size", "SIZE",
	  "limit the store to SIZE, for example 800M or 20G",
	  parse_store_size_option, AT(store_size), 0 },
	{ 0, "toolchains", "DIR", "install toolchains for this machine in DIR",
	  args_text, AT(toolchains), 0 },
	{ 0, "host", "HOST", "also run programs for HOST (arm64, arm, ...)",
	  parse_host_option, AT(hosts), 0 },
	{ 0, "neighbors", "yes|no",
	  "exchange files with other nodes of the site (yes)",
	  parse_neighbors_option, AT(neighbors), 0 },
#define N_CONF_OPTIONS 7
	{ 0, "stdio", NULL, "serve one build host on standard input and output",
	  args_flag, AT(stdio), 0 },
	{ 0, "relay", NULL,
	  "offer the nodes of the kfarm configuration as one node", args_flag,
	  AT(relay), 0 },
	{ 0, "config", "DIR",
	  "read key.pem, clients and node.conf from DIR instead of " KFARMD_SETTINGS_CONFIG_DIR,
	  args_text, AT(config), 0 },
	{ 0, "init", NULL,
	  "create missing configuration files, print the key fingerprint",
	  args_flag, AT(init), 0 },
	{ 0, "check", NULL,
	  "check whether jobs can run, and print what is missing", args_flag,
	  AT(check), 0 },
	{ 0, "status", NULL, "print the status of the kfarmds on this machine",
	  args_flag, AT(status), 0 },
	{ 0, "json", NULL, "print the status in JSON", args_flag, AT(json), 0 },
	{ 0, "prometheus", NULL, "print the status as metrics for Prometheus",
	  args_flag, AT(prometheus), 0 },
	{ 'V', "version", NULL, "print the version", args_flag, AT(version),
	  0 },
	{ 'h', "help", NULL, "print this help", args_flag, AT(help), 0 },
	{ 0 },
};

char *kfarmd_settings_help(void)
{
	char *lines = args_help(options);
	char *text = xasprintf(
		"usage: kfarmd --stdio | --listen unix:PATH | "
		"--listen [ADDRESS:]PORT\n"
		"              [--config DIR] [--slots N] [--store DIR]"
		" [--store-size SIZE]\n"
		"              [--toolchains DIR] [--host HOST]..."
		" [--neighbors yes|no]\n"
		"              [--relay]\n"
		"       kfarmd --init [--config DIR]\n"
		"       kfarmd --status [--json | --prometheus] [--config DIR]\n"
		"              [--stdio] [--store DIR] [--toolchains DIR]\n"
		"       kfarmd --check\n%s",
		lines);

	free(lines);
	return text;
}

struct conf_reading {
	struct kfarmd_settings *settings;
	const char *path;
	struct err *err;
};

static void warn_unknown_host_in_file(const struct conf_reading *r,
				      const struct conf_item *item)
{
	char *origin = xasprintf("%s:%u: ", r->path, item->line);

	warn_unknown_host(origin, item->value);
	free(origin);
}

static const char *keep_string(struct kfarmd_settings *s, const char *text)
{
	strv_add(&s->config_strings, text);
	return s->config_strings.v[s->config_strings.n - 1];
}

static int read_weight(struct conf_reading *r, const struct conf_item *item)
{
	struct kfarmd_settings *s = r->settings;
	long n;

	if (!item->value ||
	    str_parse_number(item->value, 1, KFARMD_SETTINGS_WEIGHT_MAX, &n)) {
		err_set(r->err, EINVAL,
			"%s:%u: weight%s%s: must be a number from 1 to %d",
			r->path, item->line, item->value ? " " : "",
			item->value ? item->value : "",
			KFARMD_SETTINGS_WEIGHT_MAX);
		return -ECANCELED;
	}
	*VEC_ADD(s->clients, s->n_clients) = (struct kfarmd_settings_client){
		.name = keep_string(s, item->sub), .weight = (unsigned)n
	};
	return 0;
}

/*
 * Unknown keys cause only a warning, so that kfarmd accepts the node.conf of a
 * newer release.
 */
static int on_conf_item(void *ctx, const struct conf_item *item)
{
	struct conf_reading *r = ctx;
	struct args a = { 0 };

	if (!item->key)
		return 0;
	if (!strcmp(item->section, "client") && item->sub &&
	    !strcmp(item->key, "weight"))
		return read_weight(r, item);
	for (int i = 0; i < N_CONF_OPTIONS; i++) {
		if (!strcmp(item->section, "node") && !item->sub &&
		    !strcmp(options[i].long_name, item->key))
			a.last_option = &options[i];
	}
	if (!a.last_option) {
		log_warning("%s:%u: unknown setting %s.%s", r->path, item->line,
			    item->section, item->key);
		return 0;
	}
	if (!item->value) {
		err_set(r->err, EINVAL, "%s: missing value", item->key);
	} else {
		a.value = keep_string(r->settings, item->value);
		if (!args_store(&a, r->settings, r->err)) {
			if (a.last_option->parse == parse_host_option)
				warn_unknown_host_in_file(r, item);
			return 0;
		}
	}
	err_wrap(r->err, "%s:%u", r->path, item->line);
	return -ECANCELED;
}

static void move_if_empty(struct strv *to, struct strv *from)
{
	if (!to->n) {
		strv_release(to);
		*to = *from;
		*from = (struct strv){ 0 };
	}
}

static int read_node_conf(struct kfarmd_settings *s, struct err *err)
{
	char *path = xasprintf("%s/node.conf", kfarmd_settings_dir(s));
	struct kfarmd_settings file = { 0 };
	struct conf_reading r = { .settings = &file, .path = path, .err = err };
	struct buf text = { 0 };
	unsigned line = 0;
	int ret = conf_locate_read(path, &text, err);

	/* The file is optional: all settings have defaults. */
	if (ret) {
		ret = ret == -ENOENT ? 0 : ret;
		goto out;
	}
	ret = conf_scan(buf_bytes(&text), on_conf_item, &r, &line, err);
	if (ret == -ECANCELED)
		ret = -EINVAL;
	else if (ret)
		err_wrap(err, "%s:%u", path, line);
	if (!ret) {
		/* The command line takes precedence over node.conf. */
		if (!s->stdio)
			move_if_empty(&s->listen, &file.listen);
		move_if_empty(&s->hosts, &file.hosts);
		move_if_empty(&s->config_strings, &file.config_strings);
		s->store = s->store ? s->store : file.store;
		s->store_size = s->store_size ? s->store_size : file.store_size;
		s->toolchains = s->toolchains ? s->toolchains : file.toolchains;
		s->slots = s->slots ? s->slots : file.slots;
		s->neighbors = s->neighbors ? s->neighbors : file.neighbors;
		s->clients = file.clients;
		s->n_clients = file.n_clients;
		file.clients = NULL;
	}
out:
	buf_release(&text);
	kfarmd_settings_release(&file);
	free(path);
	return ret;
}

static bool listens_on_network(const struct kfarmd_settings *s)
{
	for (size_t i = 0; i < s->listen.n; i++) {
		if (!str_starts(s->listen.v[i], "unix:"))
			return true;
	}
	return false;
}

static int check_mode_options(struct kfarmd_settings *s, struct err *err)
{
	if ((s->json || s->prometheus) && !s->status)
		return err_set(err, EINVAL, "%s requires --status",
			       s->json ? "--json" : "--prometheus");
	if (s->json && s->prometheus)
		return err_set(err, EINVAL,
			       "--json and --prometheus cannot be combined");
	if (s->status || s->init) {
		if (s->init && (s->stdio || s->status))
			return err_set(err, EINVAL,
				       "--init cannot be combined with "
				       "another mode");
		return 0;
	}
	if (s->stdio && s->listen.n)
		return err_set(err, EINVAL,
			       "--stdio cannot be combined with --listen");
	/* With --config and no address, kfarmd listens on the default port. */
	if (!s->stdio && !s->listen.n && s->config)
		strv_add(&s->listen, KFARMD_SETTINGS_PORT);
	if (!s->stdio && !s->listen.n)
		return err_set(
			err, EINVAL,
			"nothing to serve; use --listen, --stdio or --config");
	if (s->stdio && isatty(STDIN_FILENO))
		return err_set(err, EINVAL,
			       "--stdio: standard input is a terminal");
	return 0;
}

/*
 * Read the command line.  Reject --listen if --init or --status is given.  This
 * check must precede the reading of node.conf, which can add addresses to
 * s->listen.
 */
static int read_command_line(struct kfarmd_settings *s, char *const *argv,
			     struct err *err)
{
	struct args args;
	int got, ret = 0;

	args_init(&args, options, argv);
	while (!ret && !s->version && !s->help &&
	       (got = args_next(&args, err)) != ARGS_END)
		ret = got < 0 ? got :
		      got == ARGS_OPTION ?
				args_store(&args, s, err) :
				err_set(err, EINVAL, "%s: unexpected argument",
					args.value);
	if (!ret && (s->status || s->init) && s->listen.n)
		ret = err_set(err, EINVAL,
			      "--%s cannot be combined with --listen",
			      s->status ? "status" : "init");
	return ret;
}

int kfarmd_settings_read(struct kfarmd_settings *s, char *const *argv,
			 struct err *err)
{
	int ret = read_command_line(s, argv, err);

	if (ret || s->version || s->help || s->check)
		return ret;
	for (size_t i = 0; i < s->hosts.n; i++)
		warn_unknown_host("", s->hosts.v[i]);
	if (!s->init && (s->config || listens_on_network(s)))
		ret = read_node_conf(s, err);
	if (!ret)
		ret = check_mode_options(s, err);
	/* node.conf is optional, but the directory of --config must exist. */
	if (!ret && !s->init && s->config && !fs_is_dir(s->config))
		ret = err_set(err, ENOENT,
			      "--config %s: no such directory; `kfarmd --init "
			      "--config %s` creates it",
			      s->config, s->config);
	return ret;
}

void kfarmd_settings_release(struct kfarmd_settings *s)
{
	strv_release(&s->listen);
	strv_release(&s->hosts);
	strv_release(&s->config_strings);
	free(s->clients);
}

unsigned kfarmd_settings_weight(const struct kfarmd_settings *s,
				const char *name)
{
	unsigned weight = KFARMD_SETTINGS_WEIGHT;

	for (size_t i = 0; s && name && i < s->n_clients; i++) {
		if (!strcmp(s->clients[i].name, name))
			weight = s->clients[i].weight;
	}
	return weight;
}

const char *kfarmd_settings_dir(const struct kfarmd_settings *s)
{
	return s->config ? s->config : KFARMD_SETTINGS_CONFIG_DIR;
}
