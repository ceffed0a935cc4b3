/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/fs.h"
#include "base/json.h"
#include "base/log.h"
#include "base/str.h"
#include "cli/cmd.h"
#include "cli/progress.h"
#include "cli/settings.h"
#include "cli/table.h"
#include "cli/toolchain.h"
#include "coord/coord.h"
#include "kernel/rundir.h"
#include "peer/canary-db.h"
#include "peer/native-toolchain.h"
#include "toolchain/adopt.h"
#include "toolchain/builtin.h"
#include "toolchain/link.h"

#include <errno.h>
#include <event2/event.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

extern char **environ;

/* Arguments and result of adopt_compiler(), which runs on another thread. */
struct adoption {
	const struct toolchain_request *r;
	const char *path;
	struct toolchain_installed out;
	struct err err;
};

static int adopt_compiler(void *arg)
{
	struct adoption *a = arg;

	return toolchain_adopt(a->r->data_dir, a->path, a->r->force, environ,
			       &a->out, &a->err);
}

/*
 * Publish the names of an adopted toolchain.  If the names of a new toolchain
 * cannot be published, remove the toolchain, because builds would prefer it to
 * the same compiler in PATH, but could not call it.  A toolchain that existed
 * before is not removed, even if the command has replaced it, because the
 * configuration can name it.
 */
static int publish_adopted_names(const struct toolchain_request *r,
				 struct adoption *a, bool existed)
{
	struct err ignored;
	int ret = toolchain_names_publish(r, &a->out, &a->err);

	if (ret && !existed) {
		toolchain_link_unpublish_recorded(&a->out, &ignored);
		toolchain_installed_remove(r->data_dir, a->out.id, false,
					   &ignored);
	}
	return ret;
}

static int toolchain_adopt_main(void *request)
{
	struct toolchain_request *r = request;
	int status = EXIT_OK;

	for (size_t i = 0; i < r->words.n; i++) {
		struct adoption a = { .r = r, .path = r->words.v[i] };
		int ret = progress_run(a.path, "reading the compiler",
				       adopt_compiler, &a);

		if (ret >= 0)
			ret = publish_adopted_names(r, &a, ret > 0);
		if (ret) {
			toolchain_log_error(r, ret, &a.err);
			status = EXIT_USAGE;
		} else {
			toolchain_show_print(r, &a.out);
		}
		toolchain_installed_release(&a.out);
	}
	return settings_is_interrupted() ? EXIT_INTERRUPTED : status;
}

/*
 * Print the default toolchain of `arch`, or of each architecture if `arch` is
 * NULL.
 */
static int show_defaults(const struct toolchain_request *r, const char *arch)
{
	struct strv arches = { 0 };
	json_t *made = json_object();
	size_t n_shown = 0;

	conf_list_subsections(r->conf, "arch", &arches);
	for (size_t i = 0; i < arches.n; i++) {
		const char *value = conf_get(r->conf, "arch", arches.v[i],
					     "toolchain");

		n_shown += value && (!arch || !strcmp(arch, arches.v[i]));
		if (!value || (arch && strcmp(arch, arches.v[i]) != 0))
			continue;
		if (r->json)
			json_object_set_new(made, arches.v[i],
					    json_text(value));
		else
			printf("%s %s\n", arches.v[i], value);
	}
	if (r->json)
		table_print_json(json_incref(made));
	else if (!n_shown)
		log_info("no default toolchain is set%s%s; set one with "
			 "`kfarm toolchain default ARCH ID`",
			 arch ? " for " : "", arch ? arch : "");
	json_decref(made);
	strv_release(&arches);
	return EXIT_OK;
}

/* Check that a toolchain runs on the build host and compiles for `arch`. */
static int check_fits(const struct toolchain_installed *t, const char *arch,
		      struct err *err)
{
	const struct toolchain_arch *a = toolchain_builtin_find_arch(arch);
	char *prefix = xasprintf("%s-", t->triplet ? t->triplet : "");
	int ret = 0;

	if (strcmp(t->host, toolchain_host_arch()) != 0)
		ret = err_set(err, EINVAL, "%s runs on %s, not on this machine",
			      t->id, t->host);
	else if (t->triplet && !strv_has(&a->triplets, t->triplet) &&
		 !strv_has(&a->prefixes, prefix))
		ret = err_set(
			err, EINVAL,
			"toolchain %s does not support the architecture %s",
			t->id, arch);
	free(prefix);
	return ret;
}

/* Configure the toolchain `name` as the default of `arch`. */
static int set_default(struct toolchain_request *r, const char *arch,
		       const char *name, struct err *err)
{
	struct toolchain_installed_list list = { 0 };
	const struct strv *triplets = toolchain_builtin_arch_triplets(arch);
	const struct toolchain_installed *t = NULL, *same = NULL;
	int ret = toolchain_settings_installed(r, &list, err);

	/* For a release such as "gcc-13.3.0", `arch` determines the triplet. */
	for (size_t i = 0; !ret && !t && i < triplets->n; i++)
		t = toolchain_installed_find(&list, name, triplets->v[i], NULL);
	if (!ret && !t)
		ret = toolchain_settings_find(&list, name, &t, err);
	if (!ret)
		ret = check_fits(t, arch, err);
	/*
	 * Write the release instead of the id if the release is unambiguous,
	 * because only the release is valid on other machines.
	 */
	if (!ret && !t->adopted_from)
		same = toolchain_installed_find(&list, t->release, t->triplet,
						NULL);
	if (!ret)
		ret = conf_set("arch", arch, "toolchain",
			       same == t ? t->release : t->id, err);
	toolchain_installed_list_release(&list);
	return ret;
}

static int toolchain_default_main(void *request)
{
	struct toolchain_request *r = request;
	const char *arch = r->words.n ? r->words.v[0] : NULL;
	const struct toolchain_arch *other;
	struct err err = { 0 };
	char *question;
	int ret = 0;

	if (arch && !toolchain_builtin_find_arch(arch)) {
		other = toolchain_builtin_arch_by_alias(arch);
		question = other ? xasprintf("; the kernel calls it %s",
					     other->arch) :
				   toolchain_settings_suggest_arch(arch, "");
		ret = err_set(&err, EINVAL, "%s: not a kernel architecture%s",
			      arch, question);
		free(question);
	}
	if (!ret && r->words.n < 2)
		return show_defaults(r, arch);
	if (!ret && !strcmp(r->words.v[1], "none")) {
		ret = conf_remove_section("arch", arch, &err);
		if (ret == -ENOENT)
			err_set(&err, ENOENT, "%s has no default toolchain",
				arch);
	} else if (!ret) {
		ret = set_default(r, arch, r->words.v[1], &err);
	}
	return ret ? toolchain_log_error(r, ret, &err) : EXIT_OK;
}

/* Warn about each default that the removal of `t` has made invalid. */
static void warn_about_defaults(const struct toolchain_request *r,
				const struct toolchain_installed *t)
{
	struct strv arches = { 0 };

	conf_list_subsections(r->conf, "arch", &arches);
	for (size_t i = 0; i < arches.n; i++) {
		const char *value = conf_get(r->conf, "arch", arches.v[i],
					     "toolchain");
		char *at;

		if (!value ||
		    (strcmp(value, t->id) != 0 &&
		     (strcmp(value, t->release) != 0 ||
		      check_fits(t, arches.v[i], &(struct err){ 0 }) != 0)))
			continue;
		at = conf_get_origin(r->conf, "arch", arches.v[i], "toolchain");
		log_warning(
			"%s is still the default toolchain of %s (set in %s); "
			"change it with `kfarm toolchain default ARCH ID`",
			value, arches.v[i], at);
		free(at);
	}
	strv_release(&arches);
}

/* Arguments and result of remove_locally(), which runs on another thread. */
struct removal {
	const struct toolchain_request *request;
	const char *id;
	const struct toolchain_installed *t; /* NULL: cannot be read */
	struct err err;
};

/*
 * Remove the toolchain before the links to its programs.  The removal of a
 * toolchain fails while it is in use, and the links are then still needed.
 */
static int remove_locally(void *arg)
{
	struct removal *m = arg;
	int ret = toolchain_installed_remove(m->request->data_dir, m->id,
					     m->request->force, &m->err);

	return ret || !m->t ? ret :
			      toolchain_link_unpublish_recorded(m->t, &m->err);
}

/*
 * Return true if `name`, which is not in the list of installed toolchains, is
 * the id of a toolchain whose toolchain.json cannot be read.
 */
static bool is_broken(const struct toolchain_request *r, const char *name)
{
	char *dir = xasprintf("%s/toolchains/%s", r->data_dir, name);
	bool yes = toolchain_release_is_id(name) && fs_is_dir(dir);

	free(dir);
	return yes;
}

/*
 * Remove `id` from the nodes that have it.  Returns the number of nodes on
 * which the removal failed; logs each failure.
 */
static unsigned remove_from_nodes(const struct toolchain_request *r,
				  const struct toolchain_nodes *nodes,
				  const char *id)
{
	char *ids[] = { (char *)id, NULL };
	struct peer_survey_setup setup = { .n = nodes->n_nodes,
					   .cancel = r->fetch.cancelled };
	struct peer_survey_node *talk = xcalloc(nodes->n_nodes + 1,
						sizeof(*talk));
	unsigned failed = 0;
	struct err err = { 0 };
	int ret;

	for (size_t i = 0; i < nodes->n_nodes; i++) {
		peer_survey_init(&talk[i], nodes->nodes[i].entry);
		talk[i].removals = ids;
		talk[i].n_removals = peer_survey_find(&nodes->nodes[i], id) !=
				     NULL;
	}
	setup.nodes = talk;
	ret = peer_survey_run(&setup, NULL, &err);
	if (ret)
		toolchain_log_error(r, ret, &err);
	for (size_t i = 0; i < nodes->n_nodes; i++) {
		const struct peer_survey_node *n = &talk[i];
		bool good = n->up && (!n->n_removals ||
				      n->removal_outcomes[0].succeeded);

		if (!n->up)
			log_error("node %s: %s", n->entry->name, n->why);
		else if (!good)
			log_error("node %s: %s: %s", n->entry->name, id,
				  n->removal_outcomes[0].detail);
		else if (n->n_removals)
			printf("node %s: %s: removed\n", n->entry->name, id);
		failed += !good;
		peer_survey_release(&talk[i]);
	}
	free(talk);
	return failed;
}

/*
 * Remove one toolchain from the nodes and from the build host.  Returns the
 * exit status.
 */
static int remove_toolchain(struct toolchain_request *r,
			    const struct toolchain_installed_list *list,
			    const struct toolchain_nodes *nodes,
			    const char *name)
{
	struct removal m = { .request = r, .id = name };
	unsigned failed = 0;
	int ret = toolchain_settings_find(list, name, &m.t, &m.err);

	if (!ret)
		m.id = m.t->id;
	else if (ret == -ENOENT && is_broken(r, name))
		ret = 0;
	if (!ret && nodes->n_nodes)
		failed = remove_from_nodes(r, nodes, m.id);
	/* Keep the local toolchain, so that the user can repeat the command. */
	if (!ret && settings_is_interrupted())
		return EXIT_INTERRUPTED;
	if (!ret)
		ret = progress_run(m.id, "removing", remove_locally, &m);
	if (ret)
		return toolchain_log_error(r, ret, &m.err);
	if (m.t)
		warn_about_defaults(r, m.t);
	return failed ? EXIT_USAGE : EXIT_OK;
}

static int toolchain_remove_main(void *request)
{
	struct toolchain_request *r = request;
	struct toolchain_installed_list list = { 0 };
	struct toolchain_nodes nodes = { 0 };
	struct err err = { 0 };
	int ret = toolchain_settings_installed(r, &list, &err);
	int status = EXIT_OK;

	if (!ret && r->nodes && strcmp(r->nodes, "none") != 0)
		ret = toolchain_nodes_query(&nodes, r, r->nodes, &err);
	if (ret)
		status = toolchain_log_error(r, ret, &err);
	for (size_t i = 0; !ret && i < r->words.n && !settings_is_interrupted();
	     i++) {
		if (remove_toolchain(r, &list, &nodes, r->words.v[i]))
			status = EXIT_USAGE;
	}
	toolchain_nodes_release(&nodes);
	toolchain_installed_list_release(&list);
	return settings_is_interrupted() ? EXIT_INTERRUPTED : status;
}

#define TICK_MS 200

/* The benchmark of one toolchain on the selected nodes. */
struct tuning {
	struct node_roster roster; /* selected nodes; entries borrowed */
	const char *data_dir; /* directory of installed toolchains */
	struct peer_benchmark tune;
	struct event_base *base;
	struct kernel_rundir rundir;
	struct coord *coord;
};

static void on_done(void *ctx)
{
	struct tuning *u = ctx;

	event_base_loopbreak(u->base);
}

/* The handler of SIGINT only sets a flag; this timer polls the flag. */
static void on_tick(evutil_socket_t fd, short what, void *arg)
{
	struct tuning *u = arg;

	(void)fd;
	(void)what;
	if (settings_is_interrupted())
		event_base_loopbreak(u->base);
}

/*
 * Run the coordinator until all nodes have been tested, or until the user
 * interrupts the command.
 */
static int run_tuning(struct tuning *u, const char *driver, struct err *err)
{
	static const struct timeval often = { .tv_usec = TICK_MS * 1000 };
	char *canary_db = peer_canary_db_path();
	struct coord_setup setup = {
		.base = u->base,
		.socket_path = u->rundir.socket,
		.work_dir = u->rundir.work,
		.roster = &u->roster,
		.local_slots = 1,
		.canary_db = canary_db,
		.data_dir = u->data_dir,
		.benchmark = &u->tune,
	};
	struct event *tick = event_new(u->base, -1, EV_PERSIST, on_tick, u);
	int ret = coord_new(&u->coord, &setup, err);

	if (!tick || event_add(tick, &often))
		str_out_of_memory();
	if (!ret) {
		coord_announce_compiler(u->coord, driver, environ);
		event_base_dispatch(u->base);
		coord_free(u->coord);
	}
	event_free(tick);
	free(canary_db);
	return ret;
}

/*
 * Print the measurements of a node.  Returns true if the node has a usable
 * build of the compiler.
 */
static bool print_node_choice(const struct peer_benchmark_node *n)
{
	printf("node %s:\n", n->node);
	for (size_t i = 0; i < n->n_candidates; i++) {
		const struct peer_benchmark_candidate *t = &n->candidates[i];
		const char *name = *t->id ? t->id : "sent with the build";

		if (t->tested && t->status == PEER_CANARY_STATUS_PASSED)
			printf("  %-50s %6u ms%s\n", name, t->cpu_ms,
			       t == n->best ? "  selected" : "");
		else if (t->tested && t->status == PEER_CANARY_STATUS_FAILED)
			printf("  %-50s canary failed: %s\n", name, t->detail);
		else
			printf("  %-50s %s\n", name,
			       t->detail ? t->detail : "not tested");
	}
	if (n->error)
		log_error("node %s: %s", n->node, n->error);
	else if (!n->n_candidates)
		log_error("node %s: cannot run the compiler of this machine, "
			  "and has no other build of it; run `kfarm toolchain "
			  "install ... --nodes %s`",
			  n->node, n->node);
	return n->best != NULL;
}

/*
 * Benchmark one toolchain on the selected nodes and print the results.  Returns
 * the exit status, or -errno with `err` set.
 */
static int tune_one(const struct toolchain_request *r,
		    const struct toolchain_installed *t, struct err *err)
{
	struct tuning u = { .data_dir = r->data_dir };
	char *driver = toolchain_installed_driver_path(t);
	int ret = toolchain_nodes_select(&u.roster, &r->roster,
					 r->nodes ? r->nodes : "all", err);
	int status = EXIT_OK;

	u.tune.nodes = xcalloc(u.roster.n + 1, sizeof(*u.tune.nodes));
	for (size_t i = 0; i < u.roster.n; i++)
		u.tune.nodes[u.tune.n_nodes++].node = u.roster.v[i].name;

	u.tune.on_done = on_done;
	u.tune.ctx = &u;
	u.base = event_base_new();
	if (!ret && !u.base)
		ret = err_set(err, ENOMEM, "cannot create an event loop");
	if (!ret)
		ret = kernel_rundir_create(&u.rundir, 1, err);
	if (!ret) {
		log_info("%s: each node compiles the canary %d times with each "
			 "build of this compiler",
			 t->id, PEER_BENCHMARK_ROUNDS);
		ret = run_tuning(&u, driver, err);
		kernel_rundir_release(&u.rundir);
	}
	if (!ret && settings_is_interrupted())
		ret = err_set(err, ECANCELED, "interrupted");
	for (size_t i = 0; !ret && i < u.tune.n_nodes; i++) {
		if (!print_node_choice(&u.tune.nodes[i]))
			status = EXIT_USAGE;
	}
	peer_benchmark_release(&u.tune);
	if (u.base)
		event_base_free(u.base);
	free(u.roster.v);
	free(driver);
	return ret ? ret : status;
}

/*
 * Benchmark the named toolchains, or all toolchains if none is named, on the
 * selected nodes.
 */
static int toolchain_tune_main(void *request)
{
	struct toolchain_request *r = request;
	struct toolchain_installed_list list = { 0 };
	const struct toolchain_installed *found;
	struct err err = { 0 };
	int ret = toolchain_settings_installed(r, &list, &err);
	int status = EXIT_OK;
	size_t n = 0;

	if (!ret && str_equal(r->nodes, "none"))
		ret = err_set(
			&err, EINVAL,
			"--nodes none: tune needs at least one node; omit the "
			"option, or specify NAME,NAME");
	for (size_t i = 0; !ret && i < r->words.n; i++) {
		ret = toolchain_settings_find(&list, r->words.v[i], &found,
					      &err);
		/* If the word is a release, select all its toolchains. */
		if (ret == -ENOTUNIQ)
			ret = 0;
	}
	for (size_t i = 0; ret >= 0 && i < list.n; i++) {
		const struct toolchain_installed *t = &list.v[i];
		bool named = !r->words.n || strv_has(&r->words, t->id) ||
			     strv_has(&r->words, t->release);

		/*
		 * A node must reproduce the objects that the build host
		 * compiles, so skip toolchains that do not run on the
		 * build host.
		 */
		if (!named || strcmp(t->host, toolchain_host_arch()) != 0)
			continue;
		n++;
		ret = tune_one(r, t, &err);
		status = ret > 0 ? ret : status;
	}
	if (ret >= 0 && !n)
		ret = err_set(&err, ENOENT,
			      "no matching toolchain is installed for this "
			      "machine; see `kfarm toolchain list`");
	toolchain_installed_list_release(&list);
	return ret < 0 ? toolchain_log_error(r, ret, &err) : status;
}

#define AT(member) offsetof(struct toolchain_request, member)

static const struct args_option options[] = {
	{ 'a', "arch", "ARCH", "target ARCH of the kernel", args_comma_list,
	  AT(arches), 0 },
	{ 0, "triplet", "T", "target triplet", args_comma_list, AT(triplets),
	  0 },
	{ 0, "host", "HOST",
	  "machine that runs the compiler: x86_64, arm64 ...", args_comma_list,
	  AT(hosts), 0 },
	{ 0, "nodes", "LIST", "also use these nodes: all, none or NAME,NAME",
	  args_text, AT(nodes), 0 },
	{ 0, "file", "ARCHIVE", "install a local archive instead of a download",
	  args_text, AT(file), 0 },
	{ 0, "sha256", "HEX", "expected SHA-256 of the archive", args_text,
	  AT(sha256), 0 },
	{ 0, "insecure", NULL,
	  "accept an archive without checksum or signature", args_flag,
	  AT(insecure), 0 },
	{ 0, "strict", NULL, "also require the maintainer's signature",
	  args_flag, AT(strict), 0 },
	{ 0, "links", "DIR", "also create the normalized names in DIR",
	  args_text, AT(link_dir), 0 },
	{ 0, "library", "FILE", "library that this machine lacks", args_list,
	  AT(library_files), 0 },
	{ 0, "deb", "FILE", "Debian package that contains a missing library",
	  args_list, AT(library_debs), 0 },
	{ 0, "refresh", NULL, "download the listings again", args_flag,
	  AT(refresh), 0 },
	{ 0, "force", NULL, "even if the toolchain is in use or was changed",
	  args_flag, AT(force), 0 },
	{ 0, "json", NULL, "print JSON", args_flag, AT(json), 0 },
	{ 0 },
};

static const struct cmd_verb verbs[] = {
	{ "search", " [WORD]...", "host refresh json", 0, 100,
	  "list the toolchains available on servers", toolchain_search_main },
	{ "install", " VERSION...",
	  "arch triplet host nodes file sha256 insecure strict links library deb refresh",
	  0, 100, "download, verify, test and name a toolchain",
	  toolchain_install_main },
	{ "list", "", "nodes json", 0, 0,
	  "list the toolchains installed locally and on nodes",
	  toolchain_list_main },
	{ "verify", " [ID]...", "nodes json", 0, 100,
	  "like list, but verify the digests of all files",
	  toolchain_list_main },
	{ "adopt", " PREFIX...", "links force", 1, 100,
	  "register a compiler that is already installed",
	  toolchain_adopt_main },
	{ "default", " [ARCH [ID]]", "json", 0, 2,
	  "show or set the default toolchain of ARCH", toolchain_default_main },
	{ "remove", " ID...", "nodes force", 1, 100,
	  "remove toolchains and their names", toolchain_remove_main },
	{ "tune", " [ID]...", "nodes", 0, 100,
	  "measure the builds of a toolchain and use the fastest",
	  toolchain_tune_main },
	{ 0 },
};

static bool is_true(const struct conf *c, const char *key)
{
	const char *value = conf_get(c, "toolchain", NULL, key);

	return value && !strcmp(value, "true");
}

/* Read the configuration and set the directories. */
static int load_settings(struct toolchain_request *r, struct err *err)
{
	char *cache;
	int ret = settings_load_conf(&r->conf, &r->roster, err);

	if (ret)
		return ret;
	conf_get_all(r->conf, "toolchain", NULL, "mirror", &r->mirrors);
	if (!r->mirrors.n)
		strv_add_all(&r->mirrors, toolchain_builtin_mirrors()->v);
	conf_get_all(r->conf, "toolchain", NULL, "key-file", &r->key_files);
	conf_get_all(r->conf, "toolchain", NULL, "key-source", &r->key_sources);
	r->sums_key = conf_get(r->conf, "toolchain", NULL, "sums-key");
	r->tar_key = conf_get(r->conf, "toolchain", NULL, "tar-key");
	r->strict = r->strict || is_true(r->conf, "strict");
	r->fetch = (struct fetch_options){
		.ca_file = conf_get(r->conf, "toolchain", NULL, "ca-file"),
		.allow_http = is_true(r->conf, "http"),
		.cancelled = settings_catch_signals(),
	};
	r->data_dir = fs_data_home();
	cache = fs_cache_home();
	r->download_dir = xasprintf("%s/downloads", cache);
	free(cache);
	return 0;
}

static int toolchain_main(char *const *argv)
{
	struct toolchain_request r = { 0 };
	const struct cmd_verb *verb;
	struct err err = { 0 };
	int status = EXIT_USAGE, ret;

	verb = cmd_verb_parse(&cmd_toolchain, argv, &r, &r.words);
	if (verb) {
		r.verb = verb->name;
		ret = load_settings(&r, &err);
		status = ret ? toolchain_log_error(&r, ret, &err) :
			       verb->run(&r);
	}
	strv_release(&r.words);
	strv_release(&r.arches);
	strv_release(&r.triplets);
	strv_release(&r.hosts);
	strv_release(&r.library_files);
	strv_release(&r.library_debs);
	strv_release(&r.mirrors);
	strv_release(&r.key_files);
	strv_release(&r.key_sources);
	node_roster_release(&r.roster);
	conf_free(r.conf);
	free(r.data_dir);
	free(r.download_dir);
	return status;
}

const struct cmd cmd_toolchain = {
	.name = "toolchain",
	.usage = "VERB [OPTION]... [ARGUMENT]...",
	.help = "find, install and name compilers, locally and on nodes",
	.options = options,
	.verbs = verbs,
	.extra_help =
		"VERSION is gcc-13, gcc-13.3.0, clang-18 and so on; the newest match is\ninstalled.  kfarm-toolchain(1) describes the commands.\n",
	.extra_help_verb = "install",
	.run = toolchain_main,
};
