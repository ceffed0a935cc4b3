/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kfarmd/listen.h"

#include "base/clock.h"
#include "base/format.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/socket.h"
#include "base/str.h"
#include "base/vec.h"
#include "kfarmd/admission.h"
#include "kfarmd/kfarmd.h"
#include "kfarmd/session.h"
#include "kfarmd/settings.h"
#include "tls/clients.h"
#include "tls/key.h"
#include "tls/session.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define ACCEPT_PAUSE_S   1 /* pause when accept() fails for lack of resources */
#define ACCEPTS_PER_TURN 32

/* Called for each accepted connection; owns the non-blocking socket `fd`. */
typedef void accepted_fn(void *ctx, int fd);

struct acceptor {
	int fd;
	accepted_fn *on_accepted;
	void *ctx;
	struct event *read_event;
	struct event *resume_timer;
};

/*
 * Return true for an error of accept(2) after which no pause is needed: no
 * connection is waiting, a signal interrupted the call, or the error concerns a
 * single connection.
 */
static bool is_transient_error(int code)
{
	switch (code) {
	case EAGAIN:
	case EINTR:
	case ECONNABORTED:
	case ENETDOWN:
	case EPROTO:
	case ENOPROTOOPT:
	case EHOSTDOWN:
	case ENONET:
	case EHOSTUNREACH:
	case ENETUNREACH:
		return true;
	default:
		return false;
	}
}

/*
 * Accept at most ACCEPTS_PER_TURN connections per call, so that the event loop
 * can handle other events between two calls.
 */
static void on_ready(evutil_socket_t fd, short what, void *arg)
{
	static const struct timeval rest = { .tv_sec = ACCEPT_PAUSE_S };
	struct acceptor *a = arg;

	(void)what;
	for (int i = 0; i < ACCEPTS_PER_TURN; i++) {
		int peer = accept4(fd, NULL, NULL,
				   SOCK_CLOEXEC | SOCK_NONBLOCK);

		if (peer >= 0) {
			a->on_accepted(a->ctx, peer);
			continue;
		}
		if (!is_transient_error(errno)) {
			/*
			 * Pause, or the loop would spin on a socket that stays
			 * readable.
			 */
			log_warning("accept: %s", strerror(errno));
			event_del(a->read_event);
			event_add(a->resume_timer, &rest);
		}
		break;
	}
}

static void on_accept_pause_ended(evutil_socket_t fd, short what, void *arg)
{
	struct acceptor *a = arg;

	(void)fd;
	(void)what;
	event_add(a->read_event, NULL);
}

/* Create an acceptor.  Takes ownership of the listening socket `fd`. */
static struct acceptor *acceptor_new(struct event_base *base, int fd,
				     accepted_fn *on_accepted, void *ctx)
{
	struct acceptor *a = xcalloc(1, sizeof(*a));

	*a = (struct acceptor){ .fd = fd,
				.on_accepted = on_accepted,
				.ctx = ctx };
	a->read_event = event_new(base, fd, EV_READ | EV_PERSIST, on_ready, a);
	a->resume_timer = evtimer_new(base, on_accept_pause_ended, a);
	if (!a->read_event || !a->resume_timer ||
	    event_add(a->read_event, NULL))
		str_out_of_memory();
	return a;
}

static void acceptor_free(struct acceptor *a)
{
	if (!a)
		return;
	event_free(a->read_event);
	event_free(a->resume_timer);
	close(a->fd);
	free(a);
}

/*
 * Limit on log messages about rejected connections: LOG_BURST at once, then one
 * per LOG_INTERVAL_MS.
 */
#define LOG_BURST       8
#define LOG_INTERVAL_MS 5000

struct tls_listener {
	struct kfarmd *daemon;
	struct kfarmd_admission *admission;
	struct tls_context *context;
	struct tls_clients *clients;
	struct acceptor **acceptors;
	size_t n_acceptors;
	/* clock_ms() at which LOG_BURST messages are available again */
	uint64_t log_credit_ms;
	unsigned n_suppressed; /* messages that were not logged */
};

struct tls_conn {
	struct kfarmd_admission_conn pending; /* first member */
	struct tls_listener *listener;
	struct tls_session *session;
	struct tls_handshake *handshake;
	char *peer_address;
};

/*
 * Log a rejected connection.  The rate is limited, so that an attacker cannot
 * fill the log.
 */
static void log_rejected(struct tls_listener *d, const char *from,
			 const char *why)
{
	uint64_t now = clock_ms();
	uint64_t most = (uint64_t)LOG_BURST * LOG_INTERVAL_MS;

	if (d->log_credit_ms < now)
		d->log_credit_ms = now;
	if (d->log_credit_ms + LOG_INTERVAL_MS > now + most) {
		d->n_suppressed++;
		return;
	}
	d->log_credit_ms += LOG_INTERVAL_MS;
	if (d->n_suppressed)
		log_warning(
			"%u more connection%s refused since the last message",
			d->n_suppressed, format_plural(d->n_suppressed));
	d->n_suppressed = 0;
	log_warning("connection from %s refused: %s", from, why);
}

static void close_tls_conn(struct tls_conn *g, bool admitted)
{
	kfarmd_admission_remove(g->listener->admission, &g->pending, admitted);
	tls_handshake_free(g->handshake);
	tls_session_free(g->session);
	free(g->peer_address);
	free(g);
}

static bool on_peer_key_received(void *ctx, const struct digest *pin)
{
	const struct tls_conn *g = ctx;

	return kfarmd_find_client(g->listener->clients, pin) ||
	       kfarmd_neighbor_is_announced(g->listener->daemon, pin);
}

static void on_handshake_done(void *ctx, int ret, const struct err *err)
{
	struct tls_conn *g = ctx;
	struct kfarmd_session_peer peer = { .address = g->peer_address };
	struct wire_io io;
	struct digest pin;

	if (ret) {
		log_rejected(g->listener, g->peer_address, err->text);
		close_tls_conn(g, false);
		return;
	}
	pin = *tls_session_peer_fingerprint(g->session);
	peer.fingerprint = &pin;
	peer.client_name = kfarmd_find_client(g->listener->clients, &pin);
	/*
	 * The client or the neighbor may have been removed since
	 * on_peer_key_received().
	 */
	if (!peer.client_name &&
	    !kfarmd_neighbor_is_announced(g->listener->daemon, &pin)) {
		log_rejected(g->listener, g->peer_address,
			     "neither a client nor a neighbor any more");
		close_tls_conn(g, false);
		return;
	}
	io = tls_session_io(g->session);
	log_info("connection from %s: client %s, %s", g->peer_address,
		 peer.client_name ? peer.client_name : "none",
		 tls_session_cipher(g->session));
	g->session = NULL;
	if (peer.client_name)
		kfarmd_session_start(g->listener->daemon, io, &peer);
	else
		kfarmd_neighbor_serve(g->listener->daemon, io, &peer);
	close_tls_conn(g, true);
}

static void on_connection_accepted(void *ctx, int fd)
{
	struct tls_listener *d = ctx;
	struct sockaddr_storage from = { 0 };
	socklen_t len = sizeof(from);
	struct kfarmd_admission_conn *leaves;
	struct tls_conn *g;

	/* The peer may have disconnected already. */
	if (getpeername(fd, (struct sockaddr *)&from, &len)) {
		close(fd);
		return;
	}
	g = xcalloc(1, sizeof(*g));
	g->listener = d;
	g->peer_address = kfarmd_settings_format_address(&from);
	if (!kfarmd_admission_add(d->admission, &g->pending,
				  (struct sockaddr *)&from, clock_ms(),
				  &leaves)) {
		log_rejected(d, g->peer_address, "too many failed attempts");
		close(fd);
		free(g->peer_address);
		free(g);
		return;
	}
	if (leaves) {
		log_rejected(d, ((struct tls_conn *)leaves)->peer_address,
			     "too many unauthenticated connections");
		close_tls_conn((struct tls_conn *)leaves, false);
	}
	socket_set_tcp_options(fd);
	g->session = tls_session_accept(d->context, fd, on_peer_key_received,
					g);
	g->handshake = tls_handshake_new(d->daemon->base, g->session,
					 KFARMD_LISTEN_TLS_TIMEOUT_S * 1000,
					 on_handshake_done, g);
}

static int new_listen_context(struct tls_listener *d, const char *dir,
			      struct err *err)
{
	char *path = xasprintf("%s/key.pem", dir);
	char pin[TLS_KEY_FINGERPRINT_SIZE];
	struct tls_key *key;
	int ret = tls_key_load(&key, path, err);
	unsigned self = geteuid();

	/*
	 * Even root can get this error, because kfarmd has dropped the
	 * capability to read other users' files.
	 */
	if (ret == -EACCES)
		err_set(err, EACCES,
			"%s: not readable by user %u, as which kfarmd runs; "
			"run `chown %u %s`",
			path, self, self, path);
	if (ret == -ENOENT)
		err_set(err, ENOENT, "%s: no such file; run `kfarmd --init`",
			path);
	if (!ret) {
		tls_key_format_fingerprint(tls_key_fingerprint(key), pin);
		log_info("key fingerprint of this node: %s", pin);
		ret = tls_context_new(&d->context, key, tls_cpu_has_aes(), err);
		tls_key_free(key);
	}
	free(path);
	return ret;
}

static void tls_listener_free(struct tls_listener *d)
{
	struct kfarmd_admission_conn *g;

	if (!d)
		return;
	for (size_t i = 0; i < d->n_acceptors; i++)
		acceptor_free(d->acceptors[i]);
	free(d->acceptors);
	while ((g = kfarmd_admission_oldest(d->admission)))
		close_tls_conn((struct tls_conn *)g, false);
	kfarmd_admission_free(d->admission);
	kfarmd_neighbor_end_all(d->daemon);
	tls_context_free(d->context);
	d->daemon->tls = NULL;
	d->daemon->clients = NULL;
	tls_clients_free(d->clients);
	free(d);
}

static int tls_listener_new(struct tls_listener **out, struct kfarmd *a,
			    const struct strv *addresses, const char *dir,
			    struct strv *bound_addresses, struct err *err)
{
	struct tls_listener *d = xcalloc(1, sizeof(*d));
	char *clients = xasprintf("%s/clients", dir);
	int ret;

	d->daemon = a;
	d->admission = kfarmd_admission_new();
	d->clients = tls_clients_new(clients);
	a->clients = d->clients;
	free(clients);
	ret = new_listen_context(d, dir, err);
	a->tls = d->context;
	for (size_t i = 0; i < addresses->n && !ret; i++) {
		char *bound;
		int fd;

		ret = kfarmd_settings_listen(addresses->v[i], &fd, &bound, err);
		if (ret)
			break;
		strv_own(bound_addresses, bound);
		*VEC_ADD(d->acceptors, d->n_acceptors) = acceptor_new(
			d->daemon->base, fd, on_connection_accepted, d);
	}
	/*
	 * The first lookup reads the list of clients and logs the first error,
	 * if any.  Look up any fingerprint, so that the list is read when
	 * kfarmd starts.
	 */
	if (!ret)
		kfarmd_find_client(d->clients,
				   tls_context_fingerprint(d->context));
	if (ret) {
		tls_listener_free(d);
		return ret;
	}
	*out = d;
	return 0;
}

#define UNIX_BACKLOG 64

struct unix_listener {
	struct kfarmd *daemon;
	char *path;
	char *lock_path;
	int lock_fd;
	int socket_fd; /* owned by `acceptor` if it is not NULL */
	struct acceptor *acceptor;
};

/*
 * Return false if connect(2) reports that no file exists at `path`, or that no
 * process listens on the socket at `path`.  Any other error counts as a live
 * socket, for example EPROTOTYPE for a socket that receives datagrams.
 */
static bool is_socket_live(const char *path)
{
	struct err ignored;
	int fd = socket_connect(path, &ignored);

	if (fd >= 0)
		close(fd);
	return fd != -ECONNREFUSED && fd != -ENOENT;
}

static int bind_path(struct unix_listener *l, struct err *err)
{
	const size_t max = sizeof(((struct sockaddr_un *)NULL)->sun_path) - 1;
	struct stat st;
	mode_t before;
	bool exists;

	if (!l->path[0] || strlen(l->path) > max)
		return err_set(err, ENAMETOOLONG,
			       "%s: socket path must have 1 to %zu bytes",
			       l->path, max);
	/* Retry if another process removed the lock file during open(). */
	do
		l->lock_fd = fs_open_locked(AT_FDCWD, l->lock_path,
					    O_RDWR | O_CREAT,
					    LOCK_EX | LOCK_NB);
	while (l->lock_fd == -EAGAIN);
	if (l->lock_fd == -EBUSY)
		return err_set(err, EADDRINUSE,
			       "%s: another kfarmd is listening on it",
			       l->path);
	if (l->lock_fd < 0)
		return err_set(err, -l->lock_fd, "%s: %s", l->lock_path,
			       strerror(-l->lock_fd));
	/* Remove the socket of a dead process. */
	exists = !lstat(l->path, &st);
	if (!exists && errno != ENOENT)
		return err_errno(err, "%s", l->path);
	if (exists && !S_ISSOCK(st.st_mode))
		return err_set(err, EEXIST, "%s: exists and is not a socket",
			       l->path);
	if (exists && is_socket_live(l->path))
		return err_set(err, EADDRINUSE,
			       "%s: another process is listening on it",
			       l->path);
	if (exists && unlink(l->path) && errno != ENOENT)
		return err_errno(err, "remove %s", l->path);
	before = umask(0177);
	l->socket_fd = socket_listen(l->path, UNIX_BACKLOG, err);
	umask(before);
	return l->socket_fd < 0 ? l->socket_fd : 0;
}

static void on_unix_conn_accepted(void *ctx, int fd)
{
	const struct unix_listener *l = ctx;
	struct ucred peer;
	socklen_t len = sizeof(peer);
	bool known = !getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len);
	char *from = known ? xasprintf("process %d", (int)peer.pid) :
			     xstrdup("unknown");

	kfarmd_session_start(l->daemon, wire_io_from_fds(fd, fd),
			     &(struct kfarmd_session_peer){ .address = from });
	free(from);
}

static void unix_listener_free(struct unix_listener *l)
{
	if (l->acceptor)
		acceptor_free(l->acceptor);
	else if (l->socket_fd >= 0)
		close(l->socket_fd);
	if (l->path) {
		unlink(l->path);
		unlink(l->lock_path);
	}
	if (l->lock_fd >= 0)
		close(l->lock_fd);
	free(l->lock_path);
	free(l->path);
	free(l);
}

static int unix_listener_new(struct unix_listener **out, struct kfarmd *a,
			     const char *path, struct err *err)
{
	struct unix_listener *l = xcalloc(1, sizeof(*l));
	int ret;

	*l = (struct unix_listener){
		.daemon = a,
		.path = xstrdup(path),
		.lock_path = xasprintf("%s.lock", path),
		.lock_fd = -1,
		.socket_fd = -1,
	};
	ret = bind_path(l, err);
	if (ret) {
		/*
		 * Do not remove the file at the path, because it can belong to
		 * another process.
		 */
		free(l->path);
		l->path = NULL;
		unix_listener_free(l);
		return ret;
	}
	l->acceptor = acceptor_new(a->base, l->socket_fd, on_unix_conn_accepted,
				   l);
	*out = l;
	return 0;
}

struct kfarmd_listen {
	struct kfarmd *daemon;
	struct unix_listener **unix_listeners;
	size_t n_unix;
	/* NULL: not listening on the network */
	struct tls_listener *tls;
	char *address_list; /* bound addresses, for display */
};

int kfarmd_listen_new(struct kfarmd_listen **out, struct kfarmd *a,
		      const struct strv *addresses, const char *dir,
		      struct err *err)
{
	struct kfarmd_listen *l = xcalloc(1, sizeof(*l));
	struct strv ports = { 0 }, bound = { 0 };
	struct unix_listener *one;
	int ret = 0;

	l->daemon = a;
	for (size_t i = 0; i < addresses->n && !ret; i++) {
		const char *path = addresses->v[i];

		if (!str_starts(path, "unix:")) {
			strv_add(&ports, path);
			continue;
		}
		path += strlen("unix:");
		ret = unix_listener_new(&one, a, path, err);
		if (!ret) {
			*VEC_ADD(l->unix_listeners, l->n_unix) = one;
			strv_add(&bound, path);
		}
	}
	if (!ret && ports.n)
		ret = tls_listener_new(&l->tls, a, &ports, dir, &bound, err);
	if (!ret) {
		l->address_list = strv_join(&bound, ", ");
		a->listen_text = l->address_list;
		log_info("listening on %s", l->address_list);
		*out = l;
	} else {
		kfarmd_listen_free(l);
	}
	strv_release(&ports);
	strv_release(&bound);
	return ret;
}

void kfarmd_listen_free(struct kfarmd_listen *l)
{
	if (!l)
		return;
	for (size_t i = 0; i < l->n_unix; i++)
		unix_listener_free(l->unix_listeners[i]);
	free(l->unix_listeners);
	tls_listener_free(l->tls);
	l->daemon->listen_text = NULL;
	free(l->address_list);
	free(l);
}
