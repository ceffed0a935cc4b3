/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cli/toolchain.h - what the subcommands of `kfarm toolchain` share.
 */
#ifndef CLI_TOOLCHAIN_H
#define CLI_TOOLCHAIN_H

#include "conf/conf.h"
#include "fetch/http.h"
#include "node/roster.h"
#include "toolchain/catalog.h"
#include "toolchain/installed.h"

#include <jansson.h>
#include <stdatomic.h>

/* The command line, and what the configuration says. */
struct toolchain_request {
	const char *verb; /* "install" */
	struct strv words; /* after the verb */
	struct strv arches, triplets; /* --arch, --triplet */
	struct strv hosts; /* --host */
	struct strv library_files, library_debs;
	const char *nodes; /* --nodes; NULL: not given */
	const char *file, *sha256, *links;
	bool json, refresh, insecure, strict, force;

	struct conf *conf;
	struct node_roster roster;
	char *data, *downloads; /* fs_data_home(), what has come so far */
	struct strv mirrors, key_files, key_sources;
	const char *sums_key, *tar_key; /* NULL: the pinned ones */
	struct fetch_options fetch;
};

/*
 * cli/toolchain-settings.c: the configuration and the directories.  Release
 * in any case.
 */
int toolchain_settings_load(struct toolchain_request *r, struct err *err);
void toolchain_settings_release(struct toolchain_request *r);
/* Prints "kfarm: toolchain VERB: text"; returns the exit status for `ret`. */
int toolchain_failed(const struct toolchain_request *r, int ret,
		     const struct err *err);

/*
 * The catalog, with progress, warnings and its age on stderr; `clang`: asked
 * for the sake of one.
 */
int toolchain_settings_catalog(struct toolchain_request *r, bool clang,
			       struct toolchain_catalog *out, struct err *err);

/* All that are installed; broken ones are warned of. */
int toolchain_settings_installed(const struct toolchain_request *r,
				 struct toolchain_installed_list *out,
				 struct err *err);
/* The one with this id or, if there is just one, of this release; -ENOENT
 * with `err` naming what there is. */
int toolchain_settings_find(const struct toolchain_installed_list *list,
			    const char *name,
			    const struct toolchain_installed **out,
			    struct err *err);
/*
 * cli/toolchain-show.c
 */
/* What this machine runs, as kernel.org names hosts; or as uname -m says. */
const char *toolchain_here(void);
/* The kernel's names of what a triplet is for: "sparc sparc64", or the triplet
 * itself; the caller frees it. */
char *toolchain_show_arches(const char *triplet);
/* How plain make uses it: "CROSS_COMPILE=aarch64-gcc1330-linux-",
 * "LLVM=-22.1.8"; the caller frees it. */
char *toolchain_show_make(const struct toolchain_installed *t);
/* The id, how to use it, where it lies, by what it was verified: on stdout. */
void toolchain_show_new(const struct toolchain_request *r,
			const struct toolchain_installed *t);
json_t *toolchain_show_json(const struct toolchain_installed *t);

/*
 * cli/toolchain-names.c: publish the normalized names of an installed one (in
 * DATA/bin and in --links), note them in its toolchain.json and warn of those
 * that are taken; and remove them again.
 */
int toolchain_names_publish(const struct toolchain_request *r,
			    struct toolchain_installed *t, struct err *err);
int toolchain_names_remove(const struct toolchain_installed *t,
			   struct err *err);

/* The verbs; each returns the exit status. */
int toolchain_search_main(struct toolchain_request *r);
int toolchain_install_main(struct toolchain_request *r);
int toolchain_list_main(struct toolchain_request *r);
int toolchain_verify_main(struct toolchain_request *r);
int toolchain_adopt_main(struct toolchain_request *r);
int toolchain_default_main(struct toolchain_request *r);
int toolchain_remove_main(struct toolchain_request *r);
/* cli/toolchain-tune.c */
int toolchain_tune_main(struct toolchain_request *r);

#endif
