/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A list of nodes is clearsigned: one file contains the text and its signature,
 * so a download that overlaps with the publication of a new list never combines
 * the text of one list with the signature of another.
 */
#include "base/format.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/task.h"
#include "base/url.h"
#include "cli/cmd.h"
#include "cli/nodes.h"
#include "cli/progress.h"
#include "cli/settings.h"
#include "fetch/download.h"
#include "fetch/key.h"
#include "node/import.h"

#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

/*
 * A build waits at most REFRESH_WAIT_MS for its lists.  It then cancels the
 * downloads, which takes up to 0.2 s, and waits at most CANCEL_WAIT_MS until
 * they have ended.  The sum of both limits is less than a second.
 */
#define REFRESH_WAIT_MS 700
#define CANCEL_WAIT_MS  250

/* Sources of keys and lists, borrowed from the configuration. */
struct import_sources {
	const struct conf *conf;
	struct strv key_files, key_sources;
	struct fetch_options fetch;
	char *data_dir;
};

/* The import of one list, on a thread of its own. */
struct list_import {
	const struct import_sources *sources;
	const char *url; /* URL or absolute path of the list */
	char *shown; /* `url` without its password, for messages */
	const char *key; /* fingerprint of the only accepted key */
	const char *team; /* expected name; NULL: any */

	/* Results. */
	struct node_import list;
	struct fetch_signature signature;
	bool changed;
	int ret;
	struct err err;
	atomic_bool ended; /* set when the results are final */
};

static void read_sources(struct import_sources *s, const struct conf *c)
{
	const char *http = conf_get(c, "toolchain", NULL, "http");

	s->conf = c;
	conf_get_all(c, "toolchain", NULL, "key-file", &s->key_files);
	conf_get_all(c, "toolchain", NULL, "key-source", &s->key_sources);
	s->fetch.ca_file = conf_get(c, "toolchain", NULL, "ca-file");
	s->fetch.allow_http = str_equal(http, "true");
	s->fetch.omit_mirror_hint = true;
	s->data_dir = fs_data_home();
}

static void release_sources(struct import_sources *s)
{
	strv_release(&s->key_files);
	strv_release(&s->key_sources);
	free(s->data_dir);
}

static int read_signed_text(const struct list_import *i, struct buf *out,
			    struct err *err)
{
	const char *const urls[] = { i->url, NULL };
	int ret;

	if (url_has_scheme(i->url))
		ret = fetch_download_text(urls, NODE_IMPORT_BYTES_MAX,
					  &i->sources->fetch, out, err);
	else
		ret = fs_read(i->url, NODE_IMPORT_BYTES_MAX, out, err);
	if (ret == -EFBIG)
		err_set(err, EFBIG,
			"%s: too large: a list has at most %u MiB and %d nodes",
			i->shown, NODE_IMPORT_BYTES_MAX >> 20,
			NODE_IMPORT_NODES_MAX);
	return ret;
}

/* Verify the signature of the list `in` and append its text to `out`. */
static int verify_text(struct list_import *i, struct bytes in, struct buf *out,
		       struct err *err)
{
	const struct import_sources *s = i->sources;
	char *keyring = NULL;
	int ret = -ENOKEY;

	/*
	 * After -ENOKEY, get the key again, because the cached copy can lack a
	 * new subkey.
	 */
	for (int refresh = 0; ret == -ENOKEY && refresh < 2; refresh++) {
		struct err why = { 0 };

		free(keyring);
		keyring = NULL;
		ret = fetch_key_find(s->data_dir, i->key, &s->key_files,
				     &s->key_sources, &s->fetch, refresh,
				     &keyring, &why);
		if (ret && !refresh)
			err_set(err, -ret, "%s%s", why.text,
				ret == -ENOKEY ? ", or use --key-file" : "");
		if (ret)
			break;
		ret = fetch_gpgv_verify_text(keyring, i->key, in, out,
					     &i->signature, err);
		if (ret) {
			struct err cause = *err;

			err_set(err, -ret,
				"not signed by the key %s: %s; get the list "
				"again from its author, who signs it with "
				"`gpg --clearsign`",
				i->key, cause.text);
		}
	}
	free(keyring);
	if (ret)
		err_wrap(err, "%s", i->shown);
	return ret;
}

/*
 * Return the number of the line at which the text of a clearsigned file begins,
 * after the armor header and an empty line (RFC 9580, 7.1).
 */
static unsigned first_text_line(struct bytes in)
{
	static const char begin[] = "-----BEGIN PGP SIGNED MESSAGE-----";
	bool inside = false;
	unsigned line = 1;

	while (in.len) {
		struct bytes text = bytes_take_line(&in);

		line++;
		if (inside && !text.len)
			return line;
		if (bytes_equal(text, bytes_str(begin)))
			inside = true;
	}
	return 1;
}

/*
 * Reject a list whose name differs from the configured name, or is the name of
 * another author's list.  The list itself contains its name, so this check is
 * possible only after the download.
 */
static int check_author(struct list_import *i)
{
	const char *name = i->list.name;
	const char *key = conf_get(i->sources->conf, "import", name, "key");

	if (i->team && strcmp(i->team, name) != 0)
		return err_set(&i->err, EINVAL,
			       "%s: this is the list %s instead of %s; correct "
			       "`url` in [import \"%s\"]",
			       i->shown, name, i->team, i->team);
	if (!key || !strcasecmp(key, i->key))
		return 0;
	return err_set(&i->err, EEXIST,
		       "%s: a list %s is already imported with the key %s; "
		       "remove it with `kfarm nodes import --remove %s` first",
		       i->shown, name, key, name);
}

static int import_list(void *arg)
{
	struct list_import *i = arg;
	struct buf in = { 0 }, text = { 0 };

	i->ret = read_signed_text(i, &in, &i->err);
	if (i->ret)
		goto out;
	i->ret = verify_text(i, buf_bytes(&in), &text, &i->err);
	if (i->ret)
		goto out;
	i->ret = node_import_parse(&i->list, buf_bytes(&text), i->shown,
				   first_text_line(buf_bytes(&in)), &i->err);
	if (i->ret)
		goto out;
	i->ret = check_author(i);
	if (i->ret)
		goto out;
	if (!fetch_download_is_cancelled(&i->sources->fetch))
		i->ret = node_import_store(&i->list, buf_bytes(&text), i->shown,
					   time(NULL), &i->changed, &i->err);
	else
		i->ret = err_set(&i->err, ECANCELED, "%s: cancelled", i->shown);
out:
	buf_release(&text);
	buf_release(&in);
	return i->ret;
}

/*
 * Return an array with an import for each configured list.  The caller frees
 * the array.  If a section lacks `url` or `key`, the array contains a failed
 * import.
 */
static struct list_import *list_configured(const struct conf *c,
					   const struct import_sources *s,
					   const struct strv *teams)
{
	struct list_import *v = xcalloc(teams->n, sizeof(*v));

	for (size_t k = 0; k < teams->n; k++) {
		const char *team = teams->v[k];

		v[k] = (struct list_import){
			.sources = s,
			.team = team,
			.url = conf_get(c, "import", team, "url"),
			.key = conf_get(c, "import", team, "key"),
		};
		if (v[k].url)
			v[k].shown = url_redact(v[k].url);
		if (!v[k].url || !v[k].key)
			v[k].ret = err_set(
				&v[k].err, EINVAL,
				"[import \"%s\"]: `%s` is missing; see "
				"kfarm.conf(5)",
				team, v[k].url ? "key" : "url");
	}
	return v;
}

static void release_import(struct list_import *i)
{
	node_import_release(&i->list);
	free(i->shown);
}

/*
 * Append to the error of a failed import that the stored list remains in use,
 * and the age of this list.
 */
static void add_stale_note(struct list_import *i)
{
	struct node_import old = { 0 };
	struct buf age = { 0 };
	struct err why = i->err, ignored = { 0 };
	int64_t now_s = time(NULL), age_s;

	if (!i->team || node_import_read(&old, i->team, &ignored))
		return;
	/* If the list has expired, add nothing: the roster warns about it. */
	if (now_s < old.expires_s) {
		age_s = now_s > old.checked_s ? now_s - old.checked_s : 0;
		format_duration_short(&age, (uint64_t)age_s * 1000);
		err_set(&i->err, EIO,
			"%s; the list %s with the serial %ld, imported %s "
			"ago, remains in use",
			why.text, i->team, old.serial, buf_str(&age));
	}
	buf_release(&age);
	node_import_release(&old);
}

/* ------------------------------------------------- at the start of a build */

/*
 * The refresh of all lists.  An import can outlast the wait of the build, for
 * example if a mount does not respond, so the refresh owns all objects in use.
 */
struct refresh {
	struct conf *conf;
	struct import_sources sources;
	atomic_bool cancelled;
	struct strv teams;
	struct list_import *v; /* one import per name in `teams` */
};

static void release_refresh(struct refresh *r)
{
	for (size_t k = 0; r->v && k < r->teams.n; k++)
		release_import(&r->v[k]);
	free(r->v);
	release_sources(&r->sources);
	strv_release(&r->teams);
	conf_free(r->conf);
	free(r);
}

static void refresh_one(void *ctx, size_t k)
{
	struct refresh *r = ctx;

	if (!r->v[k].ret)
		import_list(&r->v[k]);
	atomic_store(&r->v[k].ended, true);
}

static void refresh_lists(void *arg)
{
	struct refresh *r = arg;
	size_t n = r->teams.n;

	task_each(n < TASK_THREADS_MAX ? (unsigned)n : TASK_THREADS_MAX, n,
		  refresh_one, NULL, r);
}

/* Log a warning for each list that was not refreshed. */
static void report_refresh(const struct refresh *r)
{
	for (size_t k = 0; k < r->teams.n; k++) {
		struct list_import late = { .team = r->v[k].team,
					    .shown = r->v[k].shown };
		bool ended = atomic_load(&r->v[k].ended);
		struct list_import *i = ended ? &r->v[k] : &late;

		if (!ended || i->ret == -ECANCELED)
			i->ret = err_set(&i->err, ETIMEDOUT,
					 "%s: no answer within a second",
					 i->shown);
		if (!i->ret)
			continue;
		add_stale_note(i);
		log_warning("%s", i->err.text);
	}
}

void nodes_import_refresh(void)
{
	struct refresh *r = xcalloc(1, sizeof(*r));
	struct pollfd done = { .events = POLLIN };
	struct task *task = NULL;
	struct err ignored;

	/* The caller reads the configuration again and reports its errors. */
	if (!conf_load(&r->conf, NULL, &ignored))
		conf_list_subsections(r->conf, "import", &r->teams);
	if (r->teams.n) {
		read_sources(&r->sources, r->conf);
		r->sources.fetch.n_tries = 1;
		r->sources.fetch.cancelled = &r->cancelled;
		r->v = list_configured(r->conf, &r->sources, &r->teams);
		task = task_start(refresh_lists, r);
	}
	if (!task) {
		release_refresh(r);
		return;
	}
	done.fd = task_fd(task);
	if (!poll(&done, 1, REFRESH_WAIT_MS)) {
		atomic_store(&r->cancelled, true);
		if (!poll(&done, 1, CANCEL_WAIT_MS)) {
			report_refresh(r);
			task_detach(task);
			return;
		}
	}
	task_join(task);
	report_refresh(r);
	release_refresh(r);
}

/* ------------------------------------------------------- the verb `import` */

/* Return the number of the roster's nodes that come from the list `team`. */
static size_t count_used(const struct node_roster *r, const char *team)
{
	size_t n = 0;

	for (size_t i = 0; i < r->n; i++)
		n += str_equal(r->v[i].list, team);
	return n;
}

/* Print the list, and the number of its nodes that are not used. */
static void print_import(const struct list_import *i)
{
	const struct node_import *l = &i->list;
	struct node_roster roster = { 0 };
	struct conf *conf = NULL;
	struct err ignored;
	size_t n_used;

	printf("%s: serial %ld, %zu node%s, expires at the end of %s%s%s\n",
	       l->name, l->serial, l->n, format_plural(l->n), l->expires,
	       i->changed ? "" : ", unchanged",
	       i->signature.key_expired ? ", signed by a key that has expired" :
					  "");
	if (!conf_load(&conf, NULL, &ignored) &&
	    !node_roster_load(&roster, conf, &ignored)) {
		n_used = count_used(&roster, l->name);
		if (n_used < l->n)
			log_warning("%s: %zu node%s not used, because another "
				    "node or pool has the same name",
				    l->name, l->n - n_used,
				    l->n - n_used == 1 ? " is" : "s are");
	}
	node_roster_release(&roster);
	conf_free(conf);
}

/* Refresh all lists.  Returns the exit status. */
static int import_all(struct nodes_request *r, const struct import_sources *s)
{
	struct strv teams = { 0 };
	struct list_import *v;
	int status = EXIT_OK;

	conf_list_subsections(r->conf, "import", &teams);
	if (!teams.n)
		log_info("no lists are imported; import one with "
			 "`kfarm nodes import --key FINGERPRINT URL`");
	v = list_configured(r->conf, s, &teams);
	for (size_t k = 0; k < teams.n; k++) {
		if (!v[k].ret)
			progress_run(v[k].team, "importing", import_list,
				     &v[k]);
		if (v[k].ret) {
			add_stale_note(&v[k]);
			status = nodes_log_error(r, &v[k].err);
		}
	}
	for (size_t k = 0; k < teams.n; k++) {
		if (!v[k].ret)
			print_import(&v[k]);
		release_import(&v[k]);
	}
	free(v);
	strv_release(&teams);
	return status;
}

/* Set i->key to the key of the configured list with the URL i->url. */
static void find_by_url(struct list_import *i, const struct conf *c)
{
	struct strv teams = { 0 };

	conf_list_subsections(c, "import", &teams);
	for (size_t k = 0; k < teams.n; k++) {
		if (str_equal(conf_get(c, "import", teams.v[k], "url"), i->url))
			i->key = conf_get(c, "import", teams.v[k], "key");
	}
	strv_release(&teams);
}

/*
 * Print the key of the build host, which the nodes must accept.  Creates the
 * key if it does not exist.
 */
static int print_own_key(struct err *err)
{
	char pin[TLS_KEY_FINGERPRINT_SIZE];
	int ret = nodes_read_fingerprint(pin, err);

	if (!ret)
		log_info("the author of the list must add the key of this "
			 "machine, %s, to the file clients on each node; see "
			 "kfarmd(8)",
			 pin);
	return ret;
}

/*
 * Import one list and write its section [import] to the configuration.  Returns
 * the exit status.
 */
static int import_one(struct nodes_request *r, const struct import_sources *s)
{
	const char *word = r->words.v[0];
	char *url = url_has_scheme(word) ? xstrdup(word) :
					   fs_make_absolute(word);
	struct list_import i = { .sources = s,
				 .url = url,
				 .shown = url_redact(url),
				 .key = r->key };
	struct conf_pair pairs[2];
	int ret;

	if (!i.key)
		find_by_url(&i, r->conf);
	if (!i.key)
		ret = err_set(&i.err, EINVAL,
			      "%s: a new list requires --key FINGERPRINT; get "
			      "the fingerprint from the author of the list, "
			      "not from the server with the list",
			      i.shown);
	else
		ret = progress_run(i.shown, "importing", import_list, &i);
	if (!ret) {
		pairs[0] = (struct conf_pair){ "url", url };
		pairs[1] = (struct conf_pair){ "key", i.key };
		ret = conf_set_all("import", i.list.name, pairs, 2, &i.err);
	}
	if (!ret) {
		print_import(&i);
		ret = print_own_key(&i.err);
	}
	release_import(&i);
	free(url);
	return ret ? nodes_log_error(r, &i.err) : EXIT_OK;
}

static int remove_list(const struct nodes_request *r, struct err *err)
{
	const char *team = r->removed_list;
	int ret;

	if (r->words.n || r->key || r->key_file)
		return err_set(err, EINVAL,
			       "--remove TEAM takes no other arguments");
	ret = node_entry_check_team(team, err);
	if (!ret)
		ret = conf_remove_section("import", team, err);
	if (!ret)
		ret = node_import_remove(team, err);
	if (!ret)
		printf("%s: removed\n", team);
	return ret;
}

int nodes_import_main(void *request)
{
	struct nodes_request *r = request;
	struct import_sources sources = { 0 };
	struct err err = { 0 };
	int status = EXIT_OK;

	/* Load no roster: an invalid node must not prevent an import. */
	if (r->removed_list ? remove_list(r, &err) :
			      conf_load(&r->conf, NULL, &err)) {
		status = nodes_log_error(r, &err);
	} else if (r->conf) {
		read_sources(&sources, r->conf);
		sources.fetch.cancelled = settings_catch_signals();
		if (r->key_file)
			strv_add(&sources.key_files, r->key_file);
		status = r->words.n ? import_one(r, &sources) :
				      import_all(r, &sources);
	}
	release_sources(&sources);
	return status;
}
