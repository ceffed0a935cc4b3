/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/fs.h"
#include "base/json.h"
#include "base/log.h"
#include "cli/cmd.h"
#include "cli/progress.h"
#include "cli/settings.h"
#include "cli/table.h"
#include "cli/toolchain.h"
#include "peer/canary-db.h"
#include "toolchain/adopt.h"
#include "toolchain/builtin.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

extern char **environ;

/* The state of one toolchain on one node. */
struct toolchain_node_state {
	/*
	 * "ok"; "missing"; "different": the files of the toolchain differ from
	 * those on the build host; "not needed": each build sends the compiler;
	 * "-": the node cannot run the toolchain; "down": the node does not
	 * answer
	 */
	const char *state;
	const char *canary; /* "passed", "failed"; NULL: not tested */
	bool differs; /* state is "different" */
	char *detail; /* explains "different" or "failed"; can be NULL */
};

/*
 * State of `list` and `verify`: each toolchain on the build host and on each
 * node.
 */
struct survey {
	struct toolchain_request *r;
	bool verify; /* hash all files again */
	struct toolchain_installed_list list;
	char **errors; /* local fault of each toolchain, or NULL */
	struct toolchain_nodes nodes;
	struct toolchain_node_state *states; /* [list.n][nodes.n_nodes] */
	struct err err;
};

/* Arguments and result of rehash_toolchain(), which runs on another thread. */
struct check {
	const struct toolchain_installed *t;
	const atomic_bool *cancel;
	struct err err;
};

static int rehash_toolchain(void *arg)
{
	struct check *c = arg;

	if (c->t->adopted_from)
		return toolchain_adopt_verify(c->t, environ, &c->err);
	return toolchain_installed_verify(c->t, c->cancel, &c->err);
}

/*
 * Check the toolchains on the build host and fill s->errors.  `verify` hashes
 * all files; `list` only checks that the compiler driver exists.
 */
static int check_locally(struct survey *s)
{
	s->errors = xcalloc(s->list.n + 1, sizeof(*s->errors));
	for (size_t i = 0; i < s->list.n; i++) {
		struct check c = { .t = &s->list.v[i],
				   .cancel = s->r->fetch.cancelled };
		char *driver = toolchain_installed_driver_path(c.t);
		int ret = 0;

		if (s->verify)
			ret = progress_run(c.t->id, "hashing", rehash_toolchain,
					   &c);
		else if (!fs_exists(driver))
			ret = err_set(&c.err, ENOENT, "%s is missing", driver);
		free(driver);
		if (settings_is_interrupted())
			return -ECANCELED;
		if (ret)
			s->errors[i] = xstrdup(c.err.text);
	}
	return 0;
}

/*
 * Set the result of the latest canary test of toolchain `t` on a node, if any.
 */
static void inspect_canary(struct toolchain_node_state *cell, const char *db,
			   const struct node_entry *node,
			   const struct toolchain_installed *ours,
			   const struct toolchain_installed *t)
{
	struct peer_canary_db_subject key = { .node = node->name };
	struct peer_canary_db_entry e;

	if (!ours)
		return;
	key.local_id = ours->manifest_id;
	peer_canary_db_digest(&key.sources);
	peer_canary_db_find_latest(db, &key, t->id, &e);
	if (e.status == PEER_CANARY_STATUS_PASSED) {
		cell->canary = "passed";
	} else if (e.status == PEER_CANARY_STATUS_FAILED) {
		cell->canary = "failed";
		if (!cell->detail)
			cell->detail = xasprintf("canary failed: %s", e.detail);
	}
	peer_canary_db_entry_release(&e);
}

/* Compare toolchain `t` on the node `n` with its copy on the build host. */
static void fill_node_state(struct toolchain_node_state *cell,
			    const struct peer_survey_node *n,
			    const struct toolchain_installed_list *list,
			    const struct toolchain_installed *t, const char *db)
{
	bool is_own = !strcmp(t->host, toolchain_host_arch());
	const struct peer_survey_toolchain *held = peer_survey_find(n, t->id);

	*cell = (struct toolchain_node_state){ .state = "ok" };
	if (!n->up) {
		cell->state = "down";
		return;
	}
	if (is_own && strv_has(&n->fit.hosts, toolchain_host_arch()) && !held) {
		cell->state = "not needed";
		return;
	}
	if (!strv_has(&n->fit.hosts, t->host)) {
		cell->state = "-";
		return;
	}
	if (!held) {
		cell->state = "missing";
	} else if (held->state == WIRE_HELD_DAMAGED) {
		cell->differs = true;
		cell->detail = xasprintf("damaged: %s",
					 held->detail ? held->detail : "?");
	} else if (!digest_equal(&held->dir_digest, &t->dir_digest)) {
		cell->differs = true;
		cell->detail = xstrdup("differs from the local toolchain");
	}
	if (cell->differs)
		cell->state = "different";
	inspect_canary(cell, db, n->entry,
		       toolchain_nodes_find_host_build(list, t), t);
}

/*
 * Query the nodes and fill s->states; for `verify`, let the nodes hash their
 * installed toolchains.  This runs on another thread.
 *
 * The canary test of a node compiles with the compiler that runs on the node.
 * For a node of another architecture HOST, this compiler belongs to the
 * node-native toolchain, whose id is ID-on-HOST.  The canary result is
 * therefore in the state of the node-native toolchain.
 */
static int query_node_toolchains(void *arg)
{
	struct survey *s = arg;
	const char *which = s->r->nodes ? s->r->nodes : "all";
	struct peer_survey_setup setup = { .rehash = true,
					   .cancel = s->r->fetch.cancelled };
	char *canary_db;
	size_t n;
	int ret = toolchain_nodes_query(&s->nodes, s->r, which, &s->err);

	if (ret)
		return ret;
	n = s->nodes.n_nodes;
	s->states = xcalloc(s->list.n * n + 1, sizeof(*s->states));
	setup.nodes = s->nodes.nodes;
	setup.n = n;
	if (s->verify)
		ret = peer_survey_run(&setup, NULL, &s->err);
	if (ret)
		return ret;
	canary_db = peer_canary_db_path();
	for (size_t i = 0; i < s->list.n; i++) {
		for (size_t k = 0; k < n; k++)
			fill_node_state(&s->states[i * n + k],
					&s->nodes.nodes[k], &s->list,
					&s->list.v[i], canary_db);
	}
	free(canary_db);
	return 0;
}

/* Return the state of toolchain `i` on node `k`. */
static const struct toolchain_node_state *node_state_at(const struct survey *s,
							size_t i, size_t k)
{
	return &s->states[i * s->nodes.n_nodes + k];
}

/*
 * Log the cause of each fault, because the table contains only states.  Returns
 * the number of faults.
 */
static unsigned log_details(const struct survey *s)
{
	unsigned wrong = (unsigned)s->list.broken.n;

	for (size_t i = 0; i < s->list.n; i++) {
		if (s->errors[i]) {
			log_error("%s: %s", s->list.v[i].id, s->errors[i]);
			wrong++;
		}
		for (size_t k = 0; k < s->nodes.n_nodes; k++) {
			const struct toolchain_node_state *c = node_state_at(
				s, i, k);

			wrong += c->differs;
			if (c->detail)
				log_warning("%s on node %s: %s",
					    s->list.v[i].id,
					    s->nodes.nodes[k].entry->name,
					    c->detail);
		}
	}
	for (size_t k = 0; k < s->nodes.n_nodes; k++) {
		if (s->nodes.nodes[k].up)
			continue;
		log_warning("node %s: %s", s->nodes.nodes[k].entry->name,
			    s->nodes.nodes[k].why);
		wrong += s->verify; /* `verify` fails for a node that is down */
	}
	return wrong;
}

/* Print a row per toolchain with a column per node. */
static void print_survey(const struct survey *s)
{
	size_t columns = 3 + s->nodes.n_nodes;
	char *align = xmalloc(columns + 1);
	struct table t = { .align = align };

	memset(align, 'l', columns);
	align[columns] = '\0';
	strv_add(&t.fields, "TOOLCHAIN");
	strv_add(&t.fields, "MAKE");
	strv_add(&t.fields, "LOCAL");
	for (size_t k = 0; k < s->nodes.n_nodes; k++)
		strv_add(&t.fields, s->nodes.nodes[k].entry->name);
	for (size_t i = 0; i < s->list.n; i++) {
		const struct toolchain_installed *have = &s->list.v[i];
		const char *kind = have->adopted_from ? ", adopted" :
				   have->insecure     ? ", unverified" :
							"";
		char *use = toolchain_show_make(have);

		strv_add(&t.fields, have->id);
		strv_own(&t.fields, use ? use : xstrdup("-"));
		strv_addf(&t.fields, "%s%s", s->errors[i] ? "damaged" : "ok",
			  kind);
		for (size_t k = 0; k < s->nodes.n_nodes; k++) {
			const struct toolchain_node_state *c = node_state_at(
				s, i, k);

			strv_addf(&t.fields, "%s%s%s", c->state,
				  c->canary ? ", canary " : "",
				  c->canary ? c->canary : "");
		}
	}
	table_print(stdout, &t);
	free(align);
}

/* Return a toolchain as JSON; the caller releases the reference. */
static json_t *toolchain_json(const struct toolchain_installed *t)
{
	char *use = toolchain_show_make(t);
	json_t *o = json_object();

	json_object_set_new(o, "id", json_text(t->id));
	json_object_set_new(o, "release", json_text(t->release));
	json_object_set_new(o, "triplet", json_text(t->triplet));
	json_object_set_new(o, "host", json_text(t->host));
	json_object_set_new(o, "prefix", json_text(t->prefix));
	json_object_set_new(o, "make", json_text(use));
	json_object_set_new(o, "url", json_text(t->url));
	json_object_set_new(o, "date", json_text(t->date));
	json_object_set_new(o, "sums_key", json_text(t->sums_key));
	json_object_set_new(o, "tar_key", json_text(t->tar_key));
	json_object_set_new(o, "sha256_given", json_boolean(t->sha256_given));
	json_object_set_new(o, "insecure", json_boolean(t->insecure));
	json_object_set_new(o, "adopted", json_text(t->adopted_from));
	json_object_set_new(o, "hostlibs", json_texts(&t->hostlibs));
	json_object_set_new(o, "links", json_texts(&t->links));
	free(use);
	return o;
}

/* Print each toolchain with its state on the build host and on each node. */
static void print_survey_json(const struct survey *s)
{
	json_t *list = json_array();

	for (size_t i = 0; i < s->list.n; i++) {
		json_t *o = toolchain_json(&s->list.v[i]);
		json_t *nodes = json_array();
		const char *state = s->errors[i] ? "damaged" : "ok";

		json_object_set_new(o, "state", json_text(state));
		json_object_set_new(o, "detail", json_text(s->errors[i]));
		for (size_t k = 0; k < s->nodes.n_nodes; k++) {
			const struct toolchain_node_state *c = node_state_at(
				s, i, k);
			const char *node = s->nodes.nodes[k].entry->name;
			json_t *n = json_object();

			json_object_set_new(n, "node", json_text(node));
			json_object_set_new(n, "state", json_text(c->state));
			json_object_set_new(n, "canary", json_text(c->canary));
			json_object_set_new(n, "detail", json_text(c->detail));
			json_array_append_new(nodes, n);
		}
		json_object_set_new(o, "nodes", nodes);
		json_array_append_new(list, o);
	}
	table_print_json(json_pack("{s:o, s:o}", "toolchains", list, "broken",
				   json_texts(&s->list.broken)));
}

/* If words are given, reduce the list to the toolchains that they name. */
static int filter_by_name(struct survey *s)
{
	struct strv ids = { 0 };
	size_t n = 0;
	int ret = 0;

	for (size_t i = 0; !ret && i < s->r->words.n; i++) {
		const struct toolchain_installed *t;

		ret = toolchain_settings_find(&s->list, s->r->words.v[i], &t,
					      &s->err);
		if (!ret)
			strv_add(&ids, t->id);
	}
	for (size_t i = 0; !ret && ids.n && i < s->list.n; i++) {
		if (strv_has(&ids, s->list.v[i].id))
			s->list.v[n++] = s->list.v[i];
		else
			toolchain_installed_release(&s->list.v[i]);
	}
	if (!ret && ids.n) {
		s->list.n = n;
		strv_release(&s->list.broken);
	}
	strv_release(&ids);
	return ret;
}

int toolchain_list_main(void *request)
{
	struct toolchain_request *r = request;
	struct survey s = { .r = r, .verify = !strcmp(r->verb, "verify") };
	bool named = r->nodes && strcmp(r->nodes, "all");
	int ret = toolchain_settings_installed(r, &s.list, &s.err);
	int status;

	if (!ret)
		ret = filter_by_name(&s);
	if (!ret)
		ret = check_locally(&s);
	/*
	 * Without configured nodes, query only if --nodes names nodes.  The
	 * query then reports that the names are unknown.
	 */
	if (!ret && (r->roster.n || named) && !str_equal(r->nodes, "none"))
		ret = progress_run("nodes", s.verify ? "hashing" : "querying",
				   query_node_toolchains, &s);
	if (ret == -ECANCELED)
		err_set(&s.err, ECANCELED, "interrupted");
	if (ret) {
		status = toolchain_log_error(r, ret, &s.err);
	} else {
		if (r->json)
			print_survey_json(&s);
		else if (s.list.n)
			print_survey(&s);
		else
			log_info(
				"no toolchain is installed; `kfarm toolchain search` lists those available");
		status = log_details(&s) ? EXIT_USAGE : EXIT_OK;
	}

	for (size_t i = 0; s.states && i < s.list.n * s.nodes.n_nodes; i++)
		free(s.states[i].detail);
	for (size_t i = 0; s.errors && i < s.list.n; i++)
		free(s.errors[i]);
	free(s.errors);
	free(s.states);
	toolchain_nodes_release(&s.nodes);
	toolchain_installed_list_release(&s.list);
	return status;
}

#define WORDS_MAX 256 /* maximum number of words in a table field */

/* A WORD of `search`: a release, an architecture or a triplet. */
struct term {
	bool is_release;
	struct toolchain_release release;
	const struct strv *triplets; /* NULL: not an architecture */
	const char *word;
};

/* State of `search`. */
struct search {
	struct toolchain_request *r;
	struct toolchain_catalog catalog;
	struct toolchain_installed_list installed;
	struct term *terms;
	size_t n_terms;
};

/* Return true if an archive fits a WORD; clang fits all architectures. */
static bool fits_word(const struct toolchain_archive *a, const struct term *t)
{
	if (t->is_release)
		return toolchain_release_matches(&t->release, &a->release) &&
		       t->release.is_clang == a->release.is_clang;
	if (t->triplets)
		return !a->triplet || strv_has(t->triplets, a->triplet);
	return a->triplet && !strcmp(a->triplet, t->word);
}

/* Return true if the archive fits --host and all words. */
static bool fits_terms(const struct search *s,
		       const struct toolchain_archive *a)
{
	if (s->r->hosts.n && !strv_has(&s->r->hosts, a->host))
		return false;
	for (size_t i = 0; i < s->n_terms; i++) {
		if (!fits_word(a, &s->terms[i]))
			return false;
	}
	return true;
}

/*
 * Return the toolchain that was installed from an archive with the release,
 * triplet and host of `a`, or NULL.
 */
static const struct toolchain_installed *find_installed_archive(
	const struct search *s, const struct toolchain_archive *a)
{
	char *release = toolchain_release_format(&a->release);
	const struct toolchain_installed *t = NULL;

	for (size_t i = 0; i < s->installed.n && !t; i++) {
		const struct toolchain_installed *have = &s->installed.v[i];

		if (!have->adopted_from && !strcmp(have->release, release) &&
		    !strcmp(have->host, a->host) &&
		    str_equal(have->triplet, a->triplet))
			t = have;
	}
	free(release);
	return t;
}

static bool same_release(const struct toolchain_archive *a,
			 const struct toolchain_archive *b)
{
	return a->release.is_clang == b->release.is_clang &&
	       !toolchain_release_compare(&a->release, &b->release);
}

/*
 * Add at most WORDS_MAX of the words as one field, without duplicates, and
 * release all words.
 */
static void add_joined(struct table *t, struct strv *words)
{
	strv_sort_unique(words);
	while (words->n > WORDS_MAX)
		free(words->v[--words->n]);
	strv_own(&t->fields, words->n ? strv_join(words, " ") : xstrdup("-"));
	strv_release(words);
}

/* Order by compiler, release (newest first), triplet and host. */
static int by_triplet(const void *x, const void *y)
{
	const struct toolchain_archive *a = *(
		struct toolchain_archive *const *)x;
	const struct toolchain_archive *b = *(
		struct toolchain_archive *const *)y;
	int order = a->release.is_clang - b->release.is_clang;

	if (!order)
		order = toolchain_release_compare(&b->release, &a->release);
	if (!order && a->triplet && b->triplet)
		order = strcmp(a->triplet, b->triplet);
	return order ? order : strcmp(a->host, b->host);
}

/*
 * Return the kernel's names of the architectures of a triplet, such as
 * "sparc sparc64", or the triplet itself if it is unknown.  The caller frees
 * the result.
 */
static char *names_of_arches(const char *triplet)
{
	const struct toolchain_arch *a;
	struct strv names = { 0 };
	char *prefix = xasprintf("%s-", triplet), *text;

	for (size_t i = 0; (a = toolchain_builtin_arch_at(i)) != NULL; i++) {
		if (strv_has(&a->triplets, triplet) ||
		    strv_has(&a->prefixes, prefix))
			strv_add(&names, a->arch);
	}
	free(prefix);
	text = names.n ? strv_join(&names, " ") : xstrdup(triplet);
	strv_release(&names);
	return text;
}

/*
 * Return the architectures of an archive; clang, which has no triplet, compiles
 * for all.  The caller frees the result.
 */
static char *arches_of(const struct toolchain_archive *a)
{
	return a->triplet ? names_of_arches(a->triplet) : xstrdup("all");
}

/*
 * Add a row for the first archive of `v` and the following archives of the same
 * release.  If words were given, the archives of a row differ only in the host.
 * Returns the number of archives in the row.
 */
static size_t add_row(const struct search *s,
		      const struct toolchain_archive *const *v, size_t n,
		      struct table *t)
{
	struct strv arches = { 0 }, hosts = { 0 }, have = { 0 };
	size_t i;

	for (i = 0; i < n && same_release(v[0], v[i]) &&
		    (!s->n_terms || str_equal(v[0]->triplet, v[i]->triplet));
	     i++) {
		char *names = arches_of(v[i]);

		strv_split(&arches, names, " ");
		strv_add(&hosts, v[i]->host);
		if (find_installed_archive(s, v[i]))
			strv_split(&have, s->n_terms ? v[i]->host : names, " ");
		free(names);
	}
	strv_own(&t->fields, toolchain_release_format(&v[0]->release));
	if (s->n_terms) {
		strv_own(&t->fields, arches_of(v[0]));
		strv_add(&t->fields, v[0]->triplet ? v[0]->triplet : "-");
	}
	add_joined(t, &hosts);
	add_joined(t, &have);
	if (!s->n_terms)
		add_joined(t, &arches);
	strv_release(&arches);
	return i;
}

/* Print the archives as JSON, with the age of the catalog. */
static void print_archives_json(const struct search *s,
				const struct toolchain_archive *const *v,
				size_t n)
{
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++) {
		const struct toolchain_archive *a = v[i];
		const struct toolchain_installed *have = find_installed_archive(
			s, a);
		char *release = toolchain_release_format(&a->release);
		char *arches = a->triplet ? names_of_arches(a->triplet) : NULL;

		json_array_append_new(
			list, json_pack("{s:s, s:s?, s:s?, s:s, s:s, s:s?}",
					"release", release, "triplet",
					a->triplet, "arch", arches, "host",
					a->host, "path", a->mirror_path,
					"installed", have ? have->id : NULL));
		free(arches);
		free(release);
	}
	table_print_json(
		json_pack("{s:I, s:I, s:s?, s:o}", "fetched",
			  (json_int_t)s->catalog.fetched_s, "age_seconds",
			  (json_int_t)(time(NULL) - s->catalog.fetched_s),
			  "stale", s->catalog.refresh_error, "archives", list));
}

/*
 * Print the archives that fit: if words were given, a row per release and
 * triplet, otherwise a row per release.  Returns the exit status.
 */
static int show_archives(const struct search *s)
{
	static const char *const of_archives[] = { "VERSION",       "ARCH",
						   "TRIPLET",       "RUNS ON",
						   "INSTALLED FOR", NULL };
	static const char *const of_releases[] = { "VERSION", "RUNS ON",
						   "INSTALLED", "COMPILES FOR",
						   NULL };
	struct table t = { .align = s->n_terms ? "lllll" : "llll" };
	const struct toolchain_archive **v = xcalloc(s->catalog.n_archives + 1,
						     sizeof(*v));
	size_t n = 0;

	for (size_t i = 0; i < s->catalog.n_archives; i++) {
		if (fits_terms(s, &s->catalog.archives[i]))
			v[n++] = &s->catalog.archives[i];
	}
	if (s->r->json) {
		/* JSON lists the archives in the order of the catalog. */
		print_archives_json(s, v, n);
	} else if (n) {
		/* add_row() needs the archives of a row next to each other. */
		qsort(v, n, sizeof(*v), by_triplet);
		strv_add_all(&t.fields,
			     (char *const *)(s->n_terms ? of_archives :
							  of_releases));
		for (size_t i = 0; i < n;)
			i += add_row(s, v + i, n - i, &t);
		table_print(stdout, &t);
	} else {
		char *words = strv_join(&s->r->words, " ");

		log_error(
			"toolchain search: no match for %s; each word must be "
			"a release (gcc-13), an architecture (arm64) or a "
			"triplet; --host selects the machine that runs the "
			"compiler",
			words);
		free(words);
	}
	free(v);
	return n || s->r->json ? EXIT_OK : EXIT_USAGE;
}

int toolchain_search_main(void *request)
{
	struct toolchain_request *r = request;
	struct search s = { .r = r, .n_terms = r->words.n };
	struct err err = { 0 };
	bool clang;
	int status, ret;

	s.terms = xcalloc(r->words.n + 1, sizeof(*s.terms));
	for (size_t i = 0; i < r->words.n; i++) {
		const char *word = r->words.v[i];
		const struct toolchain_arch *a = toolchain_builtin_find_arch(
			word);
		struct term *t = &s.terms[i];
		struct err ignored;

		if (!a)
			a = toolchain_builtin_arch_by_alias(word);
		t->word = word;
		t->is_release = !toolchain_release_parse(word, &t->release,
							 &ignored);
		t->triplets = a ? &a->triplets : NULL;
	}
	clang = s.n_terms && s.terms[0].is_release &&
		s.terms[0].release.is_clang;
	ret = toolchain_settings_installed(r, &s.installed, &err);
	if (!ret)
		ret = toolchain_settings_catalog(r, clang, &s.catalog, &err);
	status = ret ? toolchain_log_error(r, ret, &err) : show_archives(&s);
	toolchain_catalog_release(&s.catalog);
	toolchain_installed_list_release(&s.installed);
	free(s.terms);
	return status;
}
