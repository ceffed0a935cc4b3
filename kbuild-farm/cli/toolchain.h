/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cli/toolchain.h - Declarations shared by the subcommands of `kfarm
 * toolchain`.
 *
 * A node that runs programs of the build host's architecture needs no installed
 * toolchain, because each build sends the compiler.  Any other node needs a
 * node-native toolchain: the same release, built to run on the architecture of
 * the node.  On the build host, the id of a node-native toolchain ends in
 * "-on-HOST"; HOST is the architecture of the node.
 */
#ifndef CLI_TOOLCHAIN_H
#define CLI_TOOLCHAIN_H

#include "conf/conf.h"
#include "fetch/download.h"
#include "node/roster.h"
#include "peer/survey.h"
#include "toolchain/catalog.h"
#include "toolchain/installed.h"

/* The command line of `kfarm toolchain VERB` and the configuration. */
struct toolchain_request {
	const char *verb; /* "install" */
	struct strv words; /* arguments after the verb */
	struct strv arches, triplets; /* --arch, --triplet */
	struct strv hosts; /* --host */
	struct strv library_files, library_debs;
	const char *nodes; /* --nodes; NULL: not given */
	const char *file, *sha256, *link_dir;
	bool json, refresh, insecure, strict, force;

	struct conf *conf;
	struct node_roster roster;
	char *data_dir; /* fs_data_home() */
	char *download_dir; /* for complete and partial downloads */
	struct strv mirrors, key_files, key_sources;
	const char *sums_key, *tar_key; /* NULL: built-in fingerprints */
	struct fetch_options fetch;
};

/* Print "kfarm: toolchain VERB: text"; return the exit status for `ret`. */
int toolchain_log_error(const struct toolchain_request *r, int ret,
			const struct err *err);

/*
 * Load the servers' catalog of archives; print progress, warnings and the age
 * of the catalog on stderr.  `clang` is true if the caller searches for a
 * release of clang.  The caller releases `out`.
 */
int toolchain_settings_catalog(struct toolchain_request *r, bool clang,
			       struct toolchain_catalog *out, struct err *err);

/* List the installed toolchains, and log a warning for each broken one. */
int toolchain_settings_installed(const struct toolchain_request *r,
				 struct toolchain_installed_list *out,
				 struct err *err);
/*
 * Return "; did you mean \"arm64\"?" for the unknown architecture `arch`, or
 * `otherwise` if no architecture is similar.  The caller frees it.
 */
char *toolchain_settings_suggest_arch(const char *arch, const char *otherwise);
/*
 * Find the toolchain whose id or release is `name`.  *out is borrowed from
 * `list`.  Returns 0; -ENOENT with a list of the installed toolchains in `err`;
 * or -ENOTUNIQ if several toolchains have this release.
 */
int toolchain_settings_find(const struct toolchain_installed_list *list,
			    const char *name,
			    const struct toolchain_installed **out,
			    struct err *err);
/*
 * Return kernel.org's name for the architecture of the build host, or the
 * output of `uname -m` if kernel.org has no name for it.
 */
const char *toolchain_host_arch(void);
/*
 * Return the variable that selects the toolchain in a plain make:
 * "CROSS_COMPILE=aarch64-gcc1330-linux-" or "LLVM=-22.1.8".  Returns NULL if
 * the toolchain does not run on the build host.  The caller frees the result.
 */
char *toolchain_show_make(const struct toolchain_installed *t);
/* Print id, use, directory and verification of a toolchain on stdout. */
void toolchain_show_print(const struct toolchain_request *r,
			  const struct toolchain_installed *t);

/*
 * Publish the normalized names of an installed toolchain, such as
 * aarch64-gcc1330-linux-gcc, as links in DATA/bin and in the directory of
 * --links.  Record the links in the toolchain.json of the toolchain.  Logs a
 * warning if some of the names already belong to other files.  Does nothing if
 * the toolchain does not run on the build host.
 */
int toolchain_names_publish(const struct toolchain_request *r,
			    struct toolchain_installed *t, struct err *err);

/* The nodes on which a command operates. */
struct toolchain_nodes {
	struct peer_survey_node *nodes; /* in the order of the roster */
	size_t n_nodes;
};

/*
 * Copy the nodes of `all` that `names` selects to `out`.  `names` is "all" or
 * names separated by commas.  The caller frees out->v; the entries are
 * borrowed.  Returns 0, or -ENOENT with `err` set if a name is unknown or no
 * node is configured.
 */
int toolchain_nodes_select(struct node_roster *out,
			   const struct node_roster *all, const char *names,
			   struct err *err);
/*
 * Concurrently query the nodes of r->roster that `names` selects.  A node that
 * does not answer is in the list with `why` set.  Returns 0, -ENOENT like
 * toolchain_nodes_select(), or an error of peer_survey_run(), which is
 * -ECANCELED after a signal.  The caller releases `out` even after a failure.
 */
int toolchain_nodes_query(struct toolchain_nodes *out,
			  const struct toolchain_request *r, const char *names,
			  struct err *err);
void toolchain_nodes_release(struct toolchain_nodes *nodes);

/*
 * Return the toolchain with the release and triplet of `t` that runs on the
 * build host, or NULL.  A canary test compares the objects that `t` compiles on
 * a node with the objects that the returned toolchain compiles.
 */
const struct toolchain_installed *toolchain_nodes_find_host_build(
	const struct toolchain_installed_list *list,
	const struct toolchain_installed *t);

/* The verbs; each returns the exit status. */
int toolchain_search_main(void *request);
int toolchain_install_main(void *request);
/* The verbs `list` and `verify`. */
int toolchain_list_main(void *request);

#endif
