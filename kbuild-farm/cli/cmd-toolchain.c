/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/cmd.h"
#include "cli/toolchain.h"

#include "base/log.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#define AT(member) offsetof(struct toolchain_request, member)

static const struct args_option options[] = {
	{ 'a', "arch", "ARCH", "compile for this ARCH of the kernel (install)",
	  args_commas, AT(arches), 0 },
	{ 0, "triplet", "T", "the same, as compilers call it (install)",
	  args_commas, AT(triplets), 0 },
	{ 0, "host", "HOST", "run on x86_64, arm64 ... (install, search)",
	  args_commas, AT(hosts), 0 },
	{ 0, "nodes", "LIST", "on these nodes, too: all, none or NAME,NAME",
	  args_text, AT(nodes), 0 },
	{ 0, "file", "ARCHIVE",
	  "a local archive instead of a download (install)", args_text,
	  AT(file), 0 },
	{ 0, "sha256", "HEX", "what the archive must be (install)", args_text,
	  AT(sha256), 0 },
	{ 0, "insecure", NULL, "accept what nothing vouches for (install)",
	  args_flag, AT(insecure), 0 },
	{ 0, "strict", NULL,
	  "ask for the maintainer's signature, too (install)", args_flag,
	  AT(strict), 0 },
	{ 0, "links", "DIR", "put the names there, too (install, adopt)",
	  args_text, AT(links), 0 },
	{ 0, "library", "FILE", "a library that this machine lacks (install)",
	  args_list, AT(library_files), 0 },
	{ 0, "deb", "FILE", "a Debian package that has it (install)", args_list,
	  AT(library_debs), 0 },
	{ 0, "refresh", NULL, "ask the servers again (search, install)",
	  args_flag, AT(refresh), 0 },
	{ 0, "force", NULL, "although in use or changed (remove, adopt)",
	  args_flag, AT(force), 0 },
	{ 0, "json", NULL, "print JSON (search, list, verify)", args_flag,
	  AT(json), 0 },
	{ 0 },
};

static const struct verb {
	const char *name;
	size_t least, most; /* words after it */
	const char *takes; /* the options */
	const char *usage;
	int (*run)(struct toolchain_request *r);
} verbs[] = {
	{ "search", 0, 100, "host refresh json", " [WORD]...",
	  toolchain_search_main },
	{ "install", 0, 100,
	  "arch triplet host nodes file sha256 insecure strict links library deb refresh",
	  " VERSION... [--arch ARCH]...", toolchain_install_main },
	{ "list", 0, 0, "nodes json", "", toolchain_list_main },
	{ "verify", 0, 100, "nodes json", " [ID]...", toolchain_verify_main },
	{ "adopt", 1, 100, "links force", " PREFIX...", toolchain_adopt_main },
	{ "default", 0, 2, "json", " [ARCH [ID]]", toolchain_default_main },
	{ "remove", 1, 100, "nodes force", " ID...", toolchain_remove_main },
	{ "tune", 0, 100, "nodes", " [ID]...", toolchain_tune_main },
};

static const struct verb *find_verb(const char *name)
{
	for (size_t i = 0; i < sizeof(verbs) / sizeof(*verbs); i++) {
		if (name && !strcmp(verbs[i].name, name))
			return &verbs[i];
	}
	return NULL;
}

static int check_usage(const struct toolchain_request *r, const struct verb *v,
		       const struct strv *given, struct err *err)
{
	if (!v)
		return err_set(err, EINVAL,
			       "%s%s%ssearch, install, list, verify, adopt, "
			       "default, remove or tune?",
			       r->verb ? "\"" : "", r->verb ? r->verb : "",
			       r->verb ? "\" is unknown; " : "");
	for (const struct args_option *o = options; o->help; o++) {
		if (strv_has(given, o->word) &&
		    !str_list_has(v->takes, ' ', o->word))
			return err_set(err, EINVAL, "--%s is not for %s",
				       o->word, v->name);
	}
	if (r->words.n < v->least || r->words.n > v->most)
		return err_set(err, EINVAL, "usage: kfarm toolchain %s%s",
			       v->name, v->usage);
	return 0;
}

static int parse(struct toolchain_request *r, const struct verb **verb,
		 char *const *argv, struct err *err)
{
	struct strv given = { 0 };
	struct args args;
	int got, ret = 0;

	args_init(&args, options, argv);
	while (!ret && (got = args_next(&args, err)) > 0) {
		if (got == ARGS_OPTION) {
			strv_add(&given, args.option->word);
			ret = args_store(&args, r, err);
		} else if (!r->verb) {
			r->verb = args.value;
		} else {
			strv_add(&r->words, args.value);
		}
	}
	if (!ret)
		ret = got;
	*verb = find_verb(r->verb);
	if (!ret)
		ret = check_usage(r, *verb, &given, err);
	strv_release(&given);
	return ret;
}

static int toolchain_main(char *const *argv)
{
	struct toolchain_request r = { 0 };
	const struct verb *verb = NULL;
	struct err err = { 0 };
	int status, ret;

	ret = parse(&r, &verb, argv, &err);
	if (ret) {
		log_error("toolchain: %s", err.text);
		status = EXIT_USAGE;
	} else {
		ret = toolchain_settings_load(&r, &err);
		status = ret ? toolchain_failed(&r, ret, &err) : verb->run(&r);
	}
	toolchain_settings_release(&r);
	return status;
}

const struct cmd cmd_toolchain = {
	.name = "toolchain",
	.usage =
		"search [WORD]... | install VERSION... [--arch ARCH]... |\n"
		"                   list | verify [ID]... | adopt PREFIX... |\n"
		"                   default [ARCH [ID]] | remove ID... |\n"
		"                   tune [ID]...",
	.help = "find, install and name compilers, here and on nodes",
	.options = options,
	.more = "VERSION is gcc-13, gcc-13.3.0, clang-18 and so on; the newest "
		"that\nfits is taken.  kfarm(1) tells what each of them does.\n",
	.run = toolchain_main,
};
