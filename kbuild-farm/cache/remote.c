/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cache/remote.h"

#include "base/clock.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/str.h"
#include "cache/entry.h"
#include "fetch/session.h"
#include "node/own-key.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#define CONNECTIONS_MAX 16
#define PROBE_MS        1000 /* time limit for the server's first response */
#define SILENCE_MS      250 /* limit of lookups before the first response */
#define COST_MS         500 /* limit of a lookup if the cost is unknown */
#define COST_MS_MIN     100
#define COST_MS_MAX     5000
#define HEADER_MAX      (16u << 10)
#define FAILURES_MAX    4 /* consecutive failures of lookups or of uploads */
/* limit on the keys in `trust`, because a miss costs two requests per key */
#define TRUST_MAX 8
#define SKIPS_MAX 63 /* lookups that are skipped before a trial */

#define UPLOADS_MAX      4 /* concurrent uploads */
#define UPLOAD_MS        30000 /* limit of one request */
#define UPLOAD_BYTES_MAX (64u << 20) /* size of all unfinished uploads */
#define UPLOAD_HITS_MAX  256 /* unfinished uploads of hits */
/*
 * Smaller blobs are uploaded without a HEAD request, because it would take as
 * long as the upload.
 */
#define HEAD_BYTES_MIN 16384

STAILQ_HEAD(upload_list, upload);

struct cache_remote {
	struct cache *cache;
	char *url; /* without a slash at its end */
	uint64_t timeout_ms; /* see struct cache_remote_setup */
	bool write, write_only;
	struct tls_key *key; /* NULL: nothing is signed */
	struct digest *trust;
	size_t n_trust;
	struct strv header;
	struct fetch_session *session;
	struct fetch_exchange probe; /* request at the start of a build */
	uint64_t silence_end_ms; /* see on_probe_done() */
	/* set to cancel the requests in flight */
	atomic_bool look_ups_stopped, uploads_stopped;

	pthread_mutex_t lock; /* protects the members below */
	pthread_cond_t changed; /* a lookup or an upload has ended */
	struct cache_remote_stats stats;
	unsigned n_look_ups; /* lookups whose on_done() has not returned */
	/* moving average of the duration of lookups; see end_look_up() */
	unsigned latency_ms;
	unsigned n_skipped; /* lookups skipped since the last trial */
	unsigned n_failures, n_upload_failures; /* consecutive */
	bool probed; /* the probe has ended */
	bool look_ups_off, uploads_off, ending;
	struct upload_list uploads; /* not started yet */
	unsigned n_uploading; /* started */
	unsigned n_results; /* unfinished uploads of new results */
	unsigned n_hits; /* unfinished uploads of hits */
	size_t upload_bytes;
};

/* -------------------------------------------------------------- failures */

static void start_uploads(struct cache_remote *r);

/* Cancel all uploads.  The caller has the lock. */
static void stop_uploads(struct cache_remote *r)
{
	atomic_store(&r->uploads_stopped, true);
	fetch_session_wake(r->session);
	start_uploads(r); /* drops all waiting uploads */
}

/* Return advice for the user after a failed request. */
static const char *remedy(const struct fetch_exchange *x)
{
	if (x->ret == -EACCES)
		return "check `remote-ca-file`, `remote-certificate` and "
		       "`remote-key` in [cache]";
	if (!x->ret &&
	    (x->status == 400 || x->status == 401 || x->status == 403))
		return "check `remote-header-file` and `remote-certificate` in "
		       "[cache], and ~/.netrc";
	return "check the server and `remote` in [cache]";
}

/*
 * Count a failed request.  FAILURES_MAX consecutive failures of lookups stop
 * lookups and uploads; FAILURES_MAX consecutive failures of uploads stop only
 * uploads.  In both cases, a warning contains `cause` or, if it is NULL, the
 * error of `x`.
 */
static void count_failure(struct cache_remote *r,
			  const struct fetch_exchange *x, const char *cause)
{
	bool is_upload = x->method != FETCH_METHOD_GET;
	bool *off = is_upload ? &r->uploads_off : &r->look_ups_off;
	unsigned *n = is_upload ? &r->n_upload_failures : &r->n_failures;
	struct err err = x->err;
	bool report;

	if (x->ret == -ECANCELED)
		return;
	if (cause)
		err_set(&err, EIO, "%s", cause);
	else if (!x->ret)
		err_set(&err, EIO, "HTTP status %ld", x->status);
	pthread_mutex_lock(&r->lock);
	report = ++*n >= FAILURES_MAX && !*off && !r->ending;
	*off |= report;
	r->uploads_off |= r->look_ups_off;
	/* Other lookups in flight would only delay their units. */
	if (r->look_ups_off)
		atomic_store(&r->look_ups_stopped, true);
	if (r->uploads_off)
		stop_uploads(r);
	pthread_mutex_unlock(&r->lock);
	log_debug("result cache %s: %s", x->url, err.text);
	if (report)
		log_warning("result cache %s: %s; %s in this build; %s", r->url,
			    err.text,
			    is_upload ? "no more results are uploaded" :
					"it is no longer used",
			    remedy(x));
}

static char *make_url(const struct cache_remote *r, const char *dir,
		      const struct digest *d)
{
	char hex[DIGEST_HEX];

	digest_format(d, hex);
	return xasprintf("%s/%s/%s", r->url, dir, hex);
}

/* Return the URL of the entry for `key` that r->trust[signer] has signed. */
static char *make_entry_url(const struct cache_remote *r,
			    const struct digest *key, size_t signer)
{
	struct digest address;

	cache_entry_address(&address, key, &r->trust[signer]);
	return make_url(r, "ac", &address);
}

/*
 * The probe is a request that is sent while make starts.  It opens a connection
 * and shows whether the server responds.  Without the probe, each of the first
 * units would wait for a server that is down.  Until the probe has ended, every
 * lookup ends at silence_end_ms at the latest, and no lookup starts after that
 * time.  silence_end_ms is SILENCE_MS (or the configured `timeout_ms`) after
 * the start of the build.  The wait rarely delays a unit, because make usually
 * starts its first compile later.
 */
static void on_probe_done(struct fetch_exchange *x)
{
	struct cache_remote *r = x->owner;

	pthread_mutex_lock(&r->lock);
	r->probed = true;
	if (x->ret == -ETIMEDOUT)
		r->n_failures = FAILURES_MAX - 1;
	pthread_mutex_unlock(&r->lock);
	if (x->ret || (x->status != 200 && x->status != 404))
		count_failure(r, x, NULL);
}

static void start_probe(struct cache_remote *r)
{
	uint64_t probe_ms = r->timeout_ms ? r->timeout_ms : PROBE_MS;
	struct digest empty;

	digest_bytes(bytes_of(NULL, 0), &empty);
	r->silence_end_ms = clock_ms() +
			    (r->timeout_ms ? probe_ms : SILENCE_MS);
	r->probe = (struct fetch_exchange){ .method = FETCH_METHOD_GET,
					    .url = make_url(r, "cas", &empty),
					    .size_max = CACHE_ENTRY_MAX,
					    .timeout_ms = probe_ms,
					    .on_done = on_probe_done,
					    .owner = r };
	fetch_session_start(r->session, &r->probe);
}

/* -------------------------------------------------------------- lookups */

struct cache_look_up {
	struct cache_remote *remote;
	struct digest keys[2]; /* short key, full key */
	/*
	 * Index of the entry that is being requested.  The entries of all
	 * signers under the short key are requested first, then their entries
	 * under the full key.
	 */
	size_t round;
	uint64_t start_ms, end_ms;
	/* the lookup started with a limit of less than COST_MS */
	bool has_short_limit;
	bool answered; /* the server has answered a request */
	bool is_trial; /* started although the average latency is too high */
	cache_remote_done_fn *on_done;
	void *ctx;
	int ret; /* 0 or a negative errno */
	struct cache_entry entry;
	struct fetch_exchange action;
	struct fetch_exchange items[WIRE_N_OUTPUTS]; /* blobs of the entry */
	bool requested[WIRE_N_OUTPUTS];
	unsigned n_pending; /* requests */
};

static void release_exchange(struct fetch_exchange *x)
{
	buf_release(&x->content);
	free(x->url);
	*x = (struct fetch_exchange){ 0 };
}

static void end_look_up(struct cache_look_up *l)
{
	struct cache_remote *r = l->remote;
	unsigned took_ms = (unsigned)(clock_ms() - l->start_ms);

	pthread_mutex_lock(&r->lock);
	/*
	 * Update the average only if the lookup ended in time or reached its
	 * limit; check_response() counts other errors.  A trial that ends in
	 * time replaces the average, which is outdated.  A trial that reaches
	 * its limit has no effect, because its duration is only the limit.
	 */
	if (!l->ret || l->ret == -ENOENT ||
	    (l->ret == -ETIMEDOUT && !l->is_trial))
		r->latency_ms = r->latency_ms && !l->is_trial ?
					(3 * r->latency_ms + took_ms) / 4 :
					took_ms;
	pthread_mutex_unlock(&r->lock);
	l->on_done(l->ctx, l); /* `l` can be freed from now on */
	pthread_mutex_lock(&r->lock);
	r->n_look_ups--;
	pthread_cond_broadcast(&r->changed);
	pthread_mutex_unlock(&r->lock);
}

/*
 * Return 0, -ENOENT if the server does not have the item, -ETIMEDOUT if the
 * limit of the lookup was too short, or -EIO.
 */
static int check_response(const struct cache_look_up *l,
			  const struct fetch_exchange *x)
{
	/*
	 * Do not count a timeout as a failure of the server if the limit was
	 * short, or if the server has answered an earlier request and little
	 * time was left: a lookup sends its requests one after another, so a
	 * distant server can exceed the limit although it works.
	 */
	if (x->ret == -ETIMEDOUT &&
	    (l->has_short_limit || (l->answered && x->timeout_ms < COST_MS)))
		return -ETIMEDOUT;
	if (x->ret || (x->status != 200 && x->status != 404)) {
		count_failure(l->remote, x, NULL);
		return -EIO;
	}
	return x->status == 404 ? -ENOENT : 0;
}

static void on_item_received(struct fetch_exchange *x)
{
	struct cache_look_up *l = x->owner;
	int ret = check_response(l, x);

	if (ret && !l->ret)
		l->ret = ret;
	if (!--l->n_pending)
		end_look_up(l);
}

static void start_get(struct cache_look_up *l, struct fetch_exchange *x,
		      char *url, size_t size_max)
{
	uint64_t now = clock_ms();

	x->method = FETCH_METHOD_GET;
	x->url = url;
	x->size_max = size_max;
	x->timeout_ms = now < l->end_ms ? (unsigned)(l->end_ms - now) : 1;
	x->cancelled = &l->remote->look_ups_stopped;
	l->n_pending++;
	fetch_session_start(l->remote->session, x);
}

/* Request the blobs that the local cache does not have. */
static void request_items(struct cache_look_up *l)
{
	struct store *s = cache_store(l->remote->cache);

	for (int i = 0; i < WIRE_N_OUTPUTS; i++) {
		const struct cache_blob *blob = &l->entry.blobs[i];
		struct fetch_exchange *x = &l->items[i];

		if (!digest_is_set(&blob->digest) ||
		    store_has(s, &blob->digest, blob->size_bytes))
			continue;
		l->requested[i] = true;
		x->on_done = on_item_received;
		x->owner = l;
		start_get(l, x, make_url(l->remote, "cas", &blob->digest),
			  blob->size_bytes);
	}
}

static int decode_action(struct cache_look_up *l)
{
	struct cache_remote *r = l->remote;
	int ret = cache_entry_decode(&l->entry, &l->keys[l->round / r->n_trust],
				     buf_bytes(&l->action.content),
				     &r->trust[l->round % r->n_trust]);

	if (ret == -EBADMSG)
		count_failure(r, &l->action, "damaged or forged result");
	return ret == -ENOMSG ? -ENOENT : ret;
}

static void start_action(struct cache_look_up *l);

static void on_action_received(struct fetch_exchange *x)
{
	struct cache_look_up *l = x->owner;
	size_t n_keys = digest_equal(&l->keys[0], &l->keys[1]) ? 1 : 2;

	l->ret = check_response(l, x);
	l->answered |= !l->ret || l->ret == -ENOENT;
	if (!l->ret)
		l->ret = decode_action(l);
	if (!l->ret)
		request_items(l);
	if (l->ret == -ENOENT && ++l->round < n_keys * l->remote->n_trust)
		start_action(l);
	if (!--l->n_pending)
		end_look_up(l);
}

/* Request the ActionResult of the current key and signer. */
static void start_action(struct cache_look_up *l)
{
	struct cache_remote *r = l->remote;

	release_exchange(&l->action);
	l->action.on_done = on_action_received;
	l->action.owner = l;
	start_get(l, &l->action,
		  make_entry_url(r, &l->keys[l->round / r->n_trust],
				 l->round % r->n_trust),
		  CACHE_ENTRY_MAX);
}

/*
 * Count a lookup that would be skipped because the average latency has reached
 * the limit of the lookup.  Returns true for every 64th of these lookups, which
 * then starts as a trial.  Without trials, the server would remain unused after
 * a short overload, because no lookup would measure its latency again.  The
 * caller holds the lock.
 */
static bool is_trial_due(struct cache_remote *r)
{
	r->n_skipped = r->n_skipped < SKIPS_MAX ? r->n_skipped + 1 : 0;
	return !r->n_skipped;
}

bool cache_remote_look_up(struct cache_remote *r,
			  const struct digest *short_key,
			  const struct digest *full_key, uint64_t cost_ms,
			  cache_remote_done_fn *on_done, void *ctx)
{
	uint64_t now = clock_ms();
	struct cache_look_up *l;
	bool starts, probed, is_slow;

	if (!r || r->write_only)
		return false;
	if (!cost_ms)
		cost_ms = COST_MS;
	cost_ms = r->timeout_ms         ? r->timeout_ms :
		  cost_ms < COST_MS_MIN ? COST_MS_MIN :
		  cost_ms > COST_MS_MAX ? COST_MS_MAX :
					  cost_ms;
	pthread_mutex_lock(&r->lock);
	starts = !r->look_ups_off && !atomic_load(&r->look_ups_stopped) &&
		 (r->probed || now < r->silence_end_ms);
	is_slow = r->latency_ms >= cost_ms;
	if (starts && is_slow)
		starts = is_trial_due(r);
	probed = r->probed;
	r->n_look_ups += starts;
	pthread_mutex_unlock(&r->lock);
	if (!starts)
		return false;
	l = xcalloc(1, sizeof(*l));
	l->remote = r;
	l->keys[0] = *short_key;
	l->keys[1] = *full_key;
	l->on_done = on_done;
	l->ctx = ctx;
	l->start_ms = now;
	l->end_ms = now + cost_ms;
	if (!probed && l->end_ms > r->silence_end_ms)
		l->end_ms = r->silence_end_ms;
	l->has_short_limit = l->end_ms < now + COST_MS;
	l->is_trial = is_slow;
	start_action(l);
	return true;
}

/* Add the output `i`, which has a blob, to the result. */
static int take_output(struct cache_look_up *l, int i)
{
	int ret;

	if (!l->requested[i])
		return cache_read_output(cache_store(l->remote->cache),
					 &l->entry.blobs[i], i,
					 &l->entry.result);
	ret = cache_entry_add_output(&l->entry, i,
				     buf_bytes(&l->items[i].content));
	if (ret)
		count_failure(l->remote, &l->items[i], "damaged output");
	return ret;
}

int cache_remote_take(struct cache_look_up *l, struct peer_job_result *out)
{
	struct cache_remote *r = l->remote;
	int ret = l->ret;

	for (int i = 0; i < WIRE_N_OUTPUTS && !ret; i++) {
		if (digest_is_set(&l->entry.blobs[i].digest))
			ret = take_output(l, i);
	}
	*out = (struct peer_job_result){ 0 };
	if (!ret) {
		*out = l->entry.result;
		l->entry.result = (struct peer_job_result){ 0 };
	}
	pthread_mutex_lock(&r->lock);
	if (!ret || ret == -ENOENT)
		r->n_failures = 0;
	r->stats.n_hits += !ret;
	r->stats.n_misses += ret == -ENOENT;
	r->stats.n_failed += ret && ret != -ENOENT;
	pthread_mutex_unlock(&r->lock);

	for (size_t i = 0; i < WIRE_N_OUTPUTS; i++)
		release_exchange(&l->items[i]);
	release_exchange(&l->action);
	cache_entry_release(&l->entry);
	free(l);
	return ret;
}

void cache_remote_stop_look_ups(struct cache_remote *r)
{
	if (!r)
		return;
	pthread_mutex_lock(&r->lock);
	atomic_store(&r->look_ups_stopped, true);
	fetch_session_wake(r->session);
	while (r->n_look_ups)
		pthread_cond_wait(&r->changed, &r->lock);
	pthread_mutex_unlock(&r->lock);
}

/* --------------------------------------------------------------- uploads */

/*
 * An upload of a result: first the blobs, then the ActionResult.  If the result
 * is a hit of the local cache, the server is first asked for the entries of the
 * trusted signers, one after another.  The result is read and encoded only if
 * the server has none of these entries.
 */
struct upload {
	STAILQ_ENTRY(upload) entry;
	struct cache_remote *remote;
	struct digest key;
	bool is_hit, loaded;
	size_t n_asked; /* number of signers without an entry for the hit */
	struct cache_entry content; /* valid if `loaded` is true */
	size_t size;
	int next; /* current output; WIRE_N_OUTPUTS: all blobs are uploaded */
	struct fetch_exchange exchange;
};

/* Remove an upload.  The caller has the lock. */
static void remove_upload(struct upload *u)
{
	struct cache_remote *r = u->remote;

	r->upload_bytes -= u->size;
	*(u->is_hit ? &r->n_hits : &r->n_results) -= 1;
	pthread_cond_broadcast(&r->changed);
	cache_entry_release(&u->content);
	release_exchange(&u->exchange);
	free(u);
}

static void start_next(struct upload *u);

/*
 * Start waiting uploads, or drop them if no more uploads may start.  The caller
 * has the lock.
 */
static void start_uploads(struct cache_remote *r)
{
	struct upload *u;

	while ((u = STAILQ_FIRST(&r->uploads))) {
		bool drop = r->uploads_off || r->ending;

		if (!drop && r->n_uploading >= UPLOADS_MAX)
			break;
		STAILQ_REMOVE_HEAD(&r->uploads, entry);
		if (drop) {
			remove_upload(u);
		} else {
			r->n_uploading++;
			start_next(u);
		}
	}
}

static void end_upload(struct upload *u, bool uploaded)
{
	struct cache_remote *r = u->remote;

	pthread_mutex_lock(&r->lock);
	if (uploaded)
		r->n_upload_failures = 0;
	r->stats.n_uploaded += uploaded;
	r->n_uploading--;
	remove_upload(u);
	start_uploads(r);
	pthread_mutex_unlock(&r->lock);
}

/* Encode the result.  Returns 0 or a negative errno. */
static int load(struct upload *u, const struct peer_job_result *result)
{
	struct cache_remote *r = u->remote;
	struct err err;
	int ret = cache_entry_encode(&u->content, &u->key, result, r->key,
				     &err);

	if (ret) {
		log_debug("result cache %s: %s", r->url, err.text);
		return ret;
	}
	u->loaded = true;
	u->size = u->content.action_result.len;
	for (int i = 0; i < WIRE_N_OUTPUTS; i++)
		u->size += u->content.blobs[i].size_bytes;
	pthread_mutex_lock(&r->lock);
	r->upload_bytes += u->size;
	pthread_mutex_unlock(&r->lock);
	return 0;
}

/* Read a hit from the local cache and encode it. */
static int load_hit(struct upload *u)
{
	struct peer_job_result result;
	int ret = cache_find(u->remote->cache, &u->key, &result);

	if (!ret)
		ret = load(u, &result);
	peer_job_result_release(&result);
	return ret;
}

static void start_request(struct upload *u, enum fetch_method method);

static void on_request_done(struct fetch_exchange *x)
{
	struct upload *u = x->owner;
	bool is_head = x->method == FETCH_METHOD_HEAD;
	bool good = !x->ret && x->status >= 200 && x->status < 300;

	if (x->ret || (!is_head && !good)) {
		count_failure(u->remote, x, NULL);
		end_upload(u, false);
	} else if (!u->loaded) {
		if (good || (++u->n_asked == u->remote->n_trust && load_hit(u)))
			end_upload(u, false);
		else
			start_next(u);
	} else if (is_head && !good) {
		start_request(u, FETCH_METHOD_PUT);
	} else if (u->next < WIRE_N_OUTPUTS) {
		u->next++;
		start_next(u);
	} else {
		end_upload(u, true);
	}
}

static void start_request(struct upload *u, enum fetch_method method)
{
	struct cache_remote *r = u->remote;
	/* This user's key is the last in `trust`. */
	size_t signer = r->n_trust - 1 - (u->loaded ? 0 : u->n_asked);
	bool is_blob = u->loaded && u->next < WIRE_N_OUTPUTS;
	const struct cache_blob *blob = is_blob ? &u->content.blobs[u->next] :
						  NULL;
	struct fetch_exchange *x = &u->exchange;

	release_exchange(x);
	x->method = method;
	x->url = is_blob ? make_url(r, "cas", &blob->digest) :
			   make_entry_url(r, &u->key, signer);
	x->body = buf_bytes(is_blob ? &blob->content :
				      &u->content.action_result);
	x->timeout_ms = UPLOAD_MS;
	x->cancelled = &r->uploads_stopped;
	x->on_done = on_request_done;
	x->owner = u;
	fetch_session_start(r->session, x);
}

/* Start the request for the next blob, or for the ActionResult. */
static void start_next(struct upload *u)
{
	const struct cache_blob *blobs = u->content.blobs;
	bool asks = !u->loaded;

	while (u->loaded && u->next < WIRE_N_OUTPUTS &&
	       !digest_is_set(&blobs[u->next].digest))
		u->next++;
	if (u->loaded && u->next < WIRE_N_OUTPUTS)
		asks = blobs[u->next].size_bytes >= HEAD_BYTES_MIN;
	start_request(u, asks ? FETCH_METHOD_HEAD : FETCH_METHOD_PUT);
}

/*
 * Return a new upload, or NULL if uploads are disabled or the limit on
 * unfinished uploads is reached.
 */
static struct upload *new_upload(struct cache_remote *r,
				 const struct digest *key, bool is_hit)
{
	struct upload *u;
	bool off;

	if (!r || !r->write)
		return NULL;
	pthread_mutex_lock(&r->lock);
	off = r->uploads_off || (is_hit ? r->n_hits >= UPLOAD_HITS_MAX :
					  r->upload_bytes > UPLOAD_BYTES_MAX);
	if (!off)
		*(is_hit ? &r->n_hits : &r->n_results) += 1;
	pthread_mutex_unlock(&r->lock);
	if (off)
		return NULL;
	u = xcalloc(1, sizeof(*u));
	u->remote = r;
	u->key = *key;
	u->is_hit = is_hit;
	return u;
}

void cache_remote_add(struct cache_remote *r, const struct digest *key,
		      const struct peer_job_result *result)
{
	struct upload *u = new_upload(r, key, false);
	int ret;

	if (!u)
		return;
	ret = load(u, result);
	pthread_mutex_lock(&r->lock);
	if (ret)
		remove_upload(u);
	else /* new results before hits */
		STAILQ_INSERT_HEAD(&r->uploads, u, entry);
	start_uploads(r);
	pthread_mutex_unlock(&r->lock);
}

void cache_remote_add_hit(struct cache_remote *r, const struct digest *key)
{
	struct upload *u = new_upload(r, key, true);

	if (!u)
		return;
	pthread_mutex_lock(&r->lock);
	STAILQ_INSERT_TAIL(&r->uploads, u, entry);
	start_uploads(r);
	pthread_mutex_unlock(&r->lock);
}

unsigned cache_remote_wait(struct cache_remote *r, unsigned ms)
{
	struct timespec end;
	unsigned left;

	if (!r)
		return 0;
	clock_gettime(CLOCK_MONOTONIC, &end);
	end.tv_nsec += (long)(ms % 1000) * 1000000;
	end.tv_sec += ms / 1000 + end.tv_nsec / 1000000000;
	end.tv_nsec %= 1000000000;
	pthread_mutex_lock(&r->lock);
	while (r->n_results &&
	       !pthread_cond_timedwait(&r->changed, &r->lock, &end))
		;
	left = r->n_results;
	pthread_mutex_unlock(&r->lock);
	return left;
}

void cache_remote_stats(struct cache_remote *r, struct cache_remote_stats *out)
{
	pthread_mutex_lock(&r->lock);
	*out = r->stats;
	out->trusts_only_own = r->n_trust == 1 && r->key && !r->write;
	pthread_mutex_unlock(&r->lock);
}

/* ---------------------------------------------------------------- set-up */

static int check_url(struct cache_remote *r, const char *url, struct err *err)
{
	bool secure = !strncasecmp(url, "https://", 8);
	size_t len = strlen(url);
	const char *host = secure ? url + 8 : url + 7;

	if (!secure && strncasecmp(url, "http://", 7))
		return err_set(err, EINVAL,
			       "`remote` in [cache]: expected a URL with https "
			       "or http");
	/* Messages show the URL, so it must not contain a password. */
	if (memchr(host, '@', strcspn(host, "/")))
		return err_set(
			err, EINVAL,
			"`remote` in [cache]: the URL must not contain a user "
			"name or password; put them into ~/.netrc");
	if (!host[0] || host[0] == '/' || strpbrk(url, "?# \t"))
		return err_set(err, EINVAL,
			       "`remote` in [cache]: invalid URL \"%s\"", url);
	while (url[len - 1] == '/')
		len--;
	r->url = xstrndup(url, len);
	return 0;
}

/* Read a file with a secret, which other users must not be able to read. */
static int read_secret(const char *path, struct buf *out, struct err *err)
{
	int fd = fs_open_secret(path, "secret", err), ret;

	if (fd < 0)
		return fd;
	ret = buf_read(out, fd, HEADER_MAX);
	if (ret == -EFBIG)
		err_set(err, EFBIG, "%s: larger than %u bytes", path,
			HEADER_MAX);
	else if (ret < 0)
		err_set(err, -ret, "%s: %s", path, strerror(-ret));
	close(fd);
	return ret;
}

static int read_header(struct cache_remote *r, const char *path,
		       struct err *err)
{
	struct buf text = { 0 };
	struct bytes rest, line;
	int ret = 0;

	if (!path)
		return 0;
	if (strncasecmp(r->url, "https://", 8))
		return err_set(
			err, EINVAL,
			"`remote-header-file` in [cache]: `remote` must "
			"be an https URL, because otherwise the secret would "
			"be sent unencrypted");
	ret = read_secret(path, &text, err);
	rest = buf_bytes(&text);
	while (!ret && rest.len) {
		line = bytes_take_line(&rest);
		if (!line.len || line.data[0] == '#')
			continue;
		strv_own(&r->header, bytes_dup(line));
		if (!memchr(line.data, ':', line.len) ||
		    memchr(line.data, '\r', line.len))
			ret = err_set(err, EINVAL,
				      "%s: expected lines of the form "
				      "\"NAME: VALUE\"",
				      path);
	}
	buf_release(&text);
	return ret;
}

/* Load this user's key, and list the trusted fingerprints. */
static int load_keys(struct cache_remote *r, const struct strv *trust,
		     struct err *err)
{
	char *path = node_own_key_path();
	int ret = r->write ? node_own_key_open(&r->key, err) :
			     tls_key_load(&r->key, path, err);

	free(path);
	if (ret == -ENOENT && !r->write)
		ret = 0;
	if (!ret && !r->key && !trust->n)
		ret = err_set(err, EINVAL,
			      "no key is trusted; set `trust = FINGERPRINT` in "
			      "[cache]");
	if (!ret && trust->n > TRUST_MAX)
		ret = err_set(err, E2BIG,
			      "`trust` in [cache]: more than %d keys",
			      TRUST_MAX);
	r->trust = xcalloc(trust->n + 1, sizeof(*r->trust));
	for (size_t i = 0; i < trust->n && !ret; i++) {
		ret = tls_key_check_fingerprint(&r->trust[r->n_trust++],
						trust->v[i], err);
		if (ret)
			err_wrap(err, "`trust` in [cache]");
	}
	if (!ret && r->key)
		r->trust[r->n_trust++] = *tls_key_fingerprint(r->key);
	return ret;
}

/* Check that the files of the client certificate and of the CA can be used. */
static int check_files(const struct cache_remote_setup *s, struct err *err)
{
	struct buf key = { 0 };
	int ret = 0;

	if (!s->certificate != !s->certificate_key)
		return err_set(err, EINVAL,
			       "`remote-certificate` and `remote-key` in "
			       "[cache] must be set together");
	if (s->ca_file && access(s->ca_file, R_OK))
		ret = err_errno(err, "%s", s->ca_file);
	if (!ret && s->certificate && access(s->certificate, R_OK))
		ret = err_errno(err, "%s", s->certificate);
	if (!ret && s->certificate_key)
		ret = read_secret(s->certificate_key, &key, err);
	buf_release(&key);
	return ret;
}

int cache_remote_open(struct cache_remote **out, struct cache *cache,
		      const struct cache_setup *setup, struct err *err)
{
	const struct cache_remote_setup *s = &setup->remote;
	struct cache_remote *r = xcalloc(1, sizeof(*r));
	struct fetch_session_setup session = {
		.ca_file = s->ca_file,
		.certificate = s->certificate,
		.certificate_key = s->certificate_key,
		.connections_max = CONNECTIONS_MAX,
	};
	pthread_condattr_t monotonic;
	int ret;

	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&r->changed, &monotonic);
	pthread_condattr_destroy(&monotonic);
	pthread_mutex_init(&r->lock, NULL);
	STAILQ_INIT(&r->uploads);
	r->cache = cache;
	r->write = s->write;
	r->timeout_ms = s->timeout_ms;
	r->write_only = setup->write_only;
	ret = check_url(r, s->url, err);
	if (!ret)
		ret = check_files(s, err);
	if (!ret)
		ret = read_header(r, s->header_file, err);
	if (!ret)
		ret = load_keys(r, &s->trust, err);
	if (!ret) {
		session.header = strv_list(&r->header);
		session.uses_netrc = !strncasecmp(r->url, "https://", 8);
		ret = fetch_session_new(&r->session, &session, err);
	}
	if (ret) {
		cache_remote_free(r);
		return ret;
	}
	start_probe(r);
	*out = r;
	return 0;
}

void cache_remote_free(struct cache_remote *r)
{
	if (!r)
		return;
	pthread_mutex_lock(&r->lock);
	r->ending = true;
	start_uploads(r); /* drops all waiting uploads */
	pthread_mutex_unlock(&r->lock);
	fetch_session_free(r->session);
	buf_release(&r->probe.content);
	free(r->probe.url);
	tls_key_free(r->key);
	pthread_mutex_destroy(&r->lock);
	pthread_cond_destroy(&r->changed);
	strv_release(&r->header);
	free(r->trust);
	free(r->url);
	free(r);
}
