/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kfarmd: the program of a node.  See kfarmd(8), and HACKING.md for the life of
 * a compile.  With --relay, relay.h offers other nodes as one node.  Otherwise,
 * the modules of kfarmd/ execute jobs:
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
 *	status.c	serves and prints the status
 */
#include "base/child.h"
#include "base/clock.h"
#include "base/digest.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/list.h"
#include "base/log.h"
#include "base/spawn.h"
#include "base/str.h"
#include "base/task.h"
#include "base/vec.h"
#include "compiler/host.h"
#include "kfarmd/kfarmd.h"
#include "kfarmd/listen.h"
#include "kfarmd/native-toolchain.h"
#include "kfarmd/session.h"
#include "kfarmd/settings.h"
#include "kfarmd/status.h"
#include "machine/machine.h"
#include "relay/relay.h"
#include "sandbox/user.h"
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
	"#\tneighbors = yes\n"
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
	puts(pin);
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

#define SHUTDOWN_MS   3000 /* limit for killed processes to end */
#define RECHECK_S     10 /* interval of checks while no sandbox works */
#define FIRST_INPUT_S 10 /* with --stdio: limit for the first bytes */
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

/*
 * The service can run as root or as a separate user, who then owns all of
 * /var/lib/kfarm.  With --stdio, root therefore has a store of its own in the
 * home directory, like other users.
 */
static char *choose_store_dir(const struct kfarmd_settings *s)
{
	char *home = s->stdio || geteuid() ? fs_data_home() :
					     xstrdup("/var/lib/kfarm");
	char *dir = s->store ? fs_make_absolute(s->store) :
			       xasprintf("%s/store", home);
	size_t len = strlen(dir);

	/* choose_toolchains_dir() expects no slash at the end of the path. */
	while (len > 1 && dir[len - 1] == '/')
		dir[--len] = '\0';
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

/*
 * Print the output of --status and return the exit status.  If no kfarmd is
 * running, --prometheus succeeds, because its metrics report this state.
 */
static int print_status(const struct kfarmd_settings *s)
{
	char *dir = choose_store_dir(s),
	     *toolchains_dir = choose_toolchains_dir(s, dir);
	struct err err;
	int n = kfarmd_status_query(s, dir, toolchains_dir, &err);

	if (n < 0)
		log_error("%s", err.text);
	else if (!n && !s->prometheus)
		log_error("no kfarmd is running with the store %s; --config, "
			  "--stdio or --store selects another store",
			  dir);
	free(toolchains_dir);
	free(dir);
	return n > 0 || (!n && s->prometheus) ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* Return `status`, or EXIT_FAILURE if the output cannot be written. */
static int finish_output(int status)
{
	if (!fflush(stdout) && !ferror(stdout))
		return status;
	log_error("cannot write to standard output: %s",
		  strerror(errno ? errno : EIO));
	return EXIT_FAILURE;
}

/*
 * With --stdio, the first SIGTERM drains the node, because a batch system or
 * the runtime of a container sends SIGTERM some time before SIGKILL.
 */
static void on_signal(evutil_socket_t signal, short what, void *arg)
{
	struct kfarmd *a = arg;

	(void)what;
	if (signal == SIGTERM && a->settings->stdio && a->n_sessions &&
	    !a->slots.draining)
		kfarmd_session_drain_all(a);
	else
		event_base_loopbreak(a->base);
}

static void stop_loop(struct kfarmd *a)
{
	event_base_loopbreak(a->base);
}

/* The peer on stdin and stdout. */
struct stdio_peer {
	struct kfarmd *daemon;
	int in, out;
};

static void on_first_input(evutil_socket_t fd, short what, void *arg)
{
	/* sshd reports the address of its client in this variable. */
	const char *ssh = getenv("SSH_CONNECTION");
	const struct stdio_peer *peer = arg;
	char *from = ssh && *ssh ? xstrndup(ssh, strcspn(ssh, " ")) :
				   xasprintf("process %d", (int)getppid());

	(void)fd;
	(void)what;
	kfarmd_session_start(peer->daemon,
			     wire_io_from_fds(peer->in, peer->out),
			     &(struct kfarmd_session_peer){ .address = from });
	free(from);
}

/*
 * Start a session with the peer on stdin and stdout when its first bytes
 * arrive, or after FIRST_INPUT_S seconds.  An earlier HELLO of kfarmd could be
 * lost, because `kubectl run -i` attaches to a running container and discards
 * its earlier output.  The build host does not wait for this HELLO before it
 * sends its own.  Redirects file descriptor 1 to stderr, because only messages
 * may reach the peer.  `peer` must exist until the loop ends.
 */
static int start_stdio(struct kfarmd *a, struct stdio_peer *peer,
		       struct err *err)
{
	const struct timeval limit = { .tv_sec = FIRST_INPUT_S };
	int in = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
	int out = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
	int none = open("/dev/null", O_RDONLY | O_CLOEXEC);

	if (in < 0 || out < 0 || none < 0 || dup2(none, STDIN_FILENO) < 0 ||
	    dup2(STDERR_FILENO, STDOUT_FILENO) < 0)
		return err_errno(err,
				 "cannot redirect standard input and output");
	close(none);
	a->on_idle = stop_loop;
	*peer = (struct stdio_peer){ .daemon = a, .in = in, .out = out };
	/* A regular file cannot be watched: let a session report the error. */
	if (event_base_once(a->base, in, EV_READ, on_first_input, peer, &limit))
		on_first_input(in, EV_READ, peer);
	return 0;
}

struct sandbox_recheck {
	struct kfarmd *daemon;
	struct sandbox_check result;
};

static void run_recheck(void *arg)
{
	struct sandbox_recheck *r = arg;

	sandbox_check(&r->result);
}

static void schedule_recheck(struct kfarmd *a);

static void on_rechecked(void *arg)
{
	struct sandbox_recheck *r = arg;
	struct kfarmd *a = r->daemon;
	bool other = strcmp(r->result.reason, a->sandbox_check.reason) != 0;

	a->sandbox_check = r->result;
	a->n_active--;
	free(r);
	if (a->sandbox_check.usable)
		log_warning("jobs can run now");
	else if (other)
		log_warning("cannot run jobs: %s", a->sandbox_check.reason);
	schedule_recheck(a);
}

static void on_recheck_timer(evutil_socket_t fd, short what, void *arg)
{
	struct sandbox_recheck *r = xcalloc(1, sizeof(*r));
	struct kfarmd *a = arg;

	(void)fd;
	(void)what;
	r->daemon = a;
	if (task_start_notify(a->base, run_recheck, on_rechecked, r)) {
		/* kfarmd waits for the check before it exits. */
		a->n_active++;
		return;
	}
	free(r);
	schedule_recheck(a);
}

/*
 * Repeat the check on another thread until it succeeds.  The cause of a failure
 * can be temporary, such as a machine that is busy while it boots, or the user
 * can change the sysctl that the reason names.
 */
static void schedule_recheck(struct kfarmd *a)
{
	static const struct timeval interval = { .tv_sec = RECHECK_S };

	if (!a->sandbox_check.usable &&
	    event_base_once(a->base, -1, EV_TIMEOUT, on_recheck_timer, a,
			    &interval))
		str_out_of_memory();
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

	a->configured_slots = s->slots;
	ret = store_open(&a->store, dir, s->store_size, err);
	/* Name the option, because the advice is to use another directory. */
	if (ret)
		err_wrap(err, "--store");
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
	/*
	 * Do not reap orphans in a relay.  Otherwise, the transport commands of
	 * the relay would be reaped as well, but a session must read their exit
	 * status.
	 */
	if (!s->relay)
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
	/* A relay runs no jobs itself. */
	if (!s->relay) {
		sandbox_check(&a->sandbox_check);
		if (!a->sandbox_check.usable)
			log_warning("cannot run jobs: %s",
				    a->sandbox_check.reason);
		schedule_recheck(a);
	}
	/*
	 * Only warn if the status socket cannot be created, because some file
	 * systems do not support sockets.  kfarmd works without the socket.
	 */
	if (kfarmd_status_new(&a->status, a, &status))
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
	kfarmd_status_free(a->status);
	children_free(a->children);
	machine_health_release(&a->health);
	store_free(a->store);
	free(a->toolchains_dir);
	kfarmd_native_toolchain_cache_free(a->native_toolchains);
	strv_release(&a->hosts);
	event_base_free(a->base);
	return true;
}

static int start_relay(struct kfarmd *a, const struct kfarmd_settings *s,
		       struct err *err)
{
	char *store = choose_store_dir(s);
	char *key = xasprintf("%s/key.pem", kfarmd_settings_dir(s));
	struct relay_options options = { .store_dir = store, .key_path = key };
	int ret = relay_new(&a->relay, a, &options, err);

	if (!ret) {
		a->start_relay_session = relay_accept;
		a->describe_relay = relay_describe;
	}
	free(key);
	free(store);
	return ret;
}

static int run_loop(struct kfarmd *a, const struct kfarmd_settings *s,
		    struct err *err)
{
	struct kfarmd_listen *listener = NULL;
	struct stdio_peer peer;
	int ret = s->relay ? start_relay(a, s, err) : 0;

	if (!ret)
		ret = s->stdio ? start_stdio(a, &peer, err) :
				 kfarmd_listen_new(&listener, a, &s->listen,
						   kfarmd_settings_dir(s), err);
	if (!ret)
		event_base_dispatch(a->base);
	/* End the sessions first: they use a->clients. */
	relay_free(a->relay, "kfarmd is shutting down");
	kfarmd_session_end_all(a, "kfarmd is shutting down");
	kfarmd_listen_free(listener);
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
 * sandboxes and a port below 1024 need.  Otherwise, drop no capability: peers
 * that connect by ssh or by a Unix socket already have the rights of kfarmd's
 * user.
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
	static const int signals[] = { SIGTERM, SIGINT, SIGHUP };
	struct event *ends[ARRAY_SIZE(signals)] = { 0 };
	struct kfarmd a = { .settings = s };
	int ret;

	ret = drop_capabilities(s, err);
	if (ret)
		return ret;
	event_set_log_callback(on_event_log);
	a.base = event_base_new();
	if (!a.base)
		return err_set(err, EIO, "cannot create event loop");
	TAILQ_INIT(&a.peers);
	TAILQ_INIT(&a.sessions);
	TAILQ_INIT(&a.neighbors);
	TAILQ_INIT(&a.neighbor_servers);
	/*
	 * Handle signals before the check of the sandbox: if kfarmd is PID 1
	 * of a container, the kernel discards signals without a handler.
	 */
	for (size_t i = 0; i < ARRAY_SIZE(signals); i++) {
		if (spawn_is_ignored(signals[i]))
			continue;
		ends[i] = evsignal_new(a.base, signals[i], on_signal, &a);
		if (!ends[i] || event_add(ends[i], NULL))
			str_out_of_memory();
	}
	ret = init_daemon(&a, s, err);
	if (!ret)
		ret = run_loop(&a, s, err);
	for (size_t i = 0; i < ARRAY_SIZE(signals); i++) {
		if (ends[i])
			event_free(ends[i]);
	}
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
		/* SIGPIPE must end `kfarmd --status | head`. */
		if (!s->status)
			signal(SIGPIPE, SIG_IGN);
		/* A write beyond `ulimit -f` then fails with EFBIG. */
		signal(SIGXFSZ, SIG_IGN);
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
	log_set_single_line();
	if (kfarmd_settings_read(&s, argv + 1, &err)) {
		log_error("%s", err.text);
		ret = EXIT_FAILURE;
	} else if (s.version) {
		puts(WIRE_KFARMD_VERSION);
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
	return finish_output(ret);
}
