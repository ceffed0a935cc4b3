/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/cmd.h"
#include "cli/toolchain.h"

#include "base/log.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

enum {
	OPT_ARCH = 1,
	OPT_TRIPLET,
	OPT_HOST,
	OPT_NODES,
	OPT_FILE,
	OPT_SHA256,
	OPT_INSECURE,
	OPT_STRICT,
	OPT_LINKS,
	OPT_LIBRARY,
	OPT_DEB,
	OPT_REFRESH,
	OPT_FORCE,
	OPT_JSON,
};

static const struct args_option options[] = {
	{ OPT_ARCH, 'a', "arch", "ARCH",
	  "compile for this ARCH of the kernel (install)" },
	{ OPT_TRIPLET, 0, "triplet", "T",
	  "the same, as compilers call it (install)" },
	{ OPT_HOST, 0, "host", "HOST",
	  "run on x86_64, arm64 ... (install, search)" },
	{ OPT_NODES, 0, "nodes", "LIST",
	  "on these nodes, too: all, none or NAME,NAME" },
	{ OPT_FILE, 0, "file", "ARCHIVE",
	  "a local archive instead of a download (install)" },
	{ OPT_SHA256, 0, "sha256", "HEX",
	  "what the archive must be (install)" },
	{ OPT_INSECURE, 0, "insecure", NULL,
	  "accept what nothing vouches for (install)" },
	{ OPT_STRICT, 0, "strict", NULL,
	  "ask for the maintainer's signature, too (install)" },
	{ OPT_LINKS, 0, "links", "DIR",
	  "put the names there, too (install, adopt)" },
	{ OPT_LIBRARY, 0, "library", "FILE",
	  "a library that this machine lacks (install)" },
	{ OPT_DEB, 0, "deb", "FILE", "a Debian package that has it (install)" },
	{ OPT_REFRESH, 0, "refresh", NULL,
	  "ask the servers again (search, install)" },
	{ OPT_FORCE, 0, "force", NULL,
	  "although in use or changed (remove, adopt)" },
	{ OPT_JSON, 0, "json", NULL, "print JSON (search, list, verify)" },
	{ 0 },
};

/* Bits of the options that a verb takes. */
#define TAKES(option) (1u << (option))

static const struct verb {
	const char *name;
	size_t least, most; /* words after it */
	unsigned takes;
	const char *usage;
	int (*run)(struct toolchain_request *r);
} verbs[] = {
	{ "search", 0, 100,
	  TAKES(OPT_HOST) | TAKES(OPT_REFRESH) | TAKES(OPT_JSON), " [WORD]...",
	  toolchain_search_main },
	{ "install", 0, 100,
	  TAKES(OPT_ARCH) | TAKES(OPT_TRIPLET) | TAKES(OPT_HOST) |
		  TAKES(OPT_NODES) | TAKES(OPT_FILE) | TAKES(OPT_SHA256) |
		  TAKES(OPT_INSECURE) | TAKES(OPT_STRICT) | TAKES(OPT_LINKS) |
		  TAKES(OPT_LIBRARY) | TAKES(OPT_DEB) | TAKES(OPT_REFRESH),
	  " VERSION... [--arch ARCH]...", toolchain_install_main },
	{ "list", 0, 0, TAKES(OPT_NODES) | TAKES(OPT_JSON), "",
	  toolchain_list_main },
	{ "verify", 0, 100, TAKES(OPT_NODES) | TAKES(OPT_JSON), " [ID]...",
	  toolchain_verify_main },
	{ "adopt", 1, 100, TAKES(OPT_LINKS) | TAKES(OPT_FORCE), " PREFIX...",
	  toolchain_adopt_main },
	{ "default", 0, 2, TAKES(OPT_JSON), " [ARCH [ID]]",
	  toolchain_default_main },
	{ "remove", 1, 100, TAKES(OPT_NODES) | TAKES(OPT_FORCE), " ID...",
	  toolchain_remove_main },
	{ "tune", 0, 100, TAKES(OPT_NODES), " [ID]...", toolchain_tune_main },
};

static const struct verb *find_verb(const char *name)
{
	for (size_t i = 0; i < sizeof(verbs) / sizeof(*verbs); i++) {
		if (name && !strcmp(verbs[i].name, name))
			return &verbs[i];
	}
	return NULL;
}

#define AT(member) offsetof(struct toolchain_request, member)

/* Where an option's value goes, and as what. */
static const struct place {
	enum {
		FLAG,
		TEXT,
		LIST, /* one value each time */
		WORDS, /* several with commas, too */
	} kind;
	size_t offset;
} places[] = {
	[OPT_ARCH] = { WORDS, AT(arches) },
	[OPT_TRIPLET] = { WORDS, AT(triplets) },
	[OPT_HOST] = { WORDS, AT(hosts) },
	[OPT_NODES] = { TEXT, AT(nodes) },
	[OPT_FILE] = { TEXT, AT(file) },
	[OPT_SHA256] = { TEXT, AT(sha256) },
	[OPT_INSECURE] = { FLAG, AT(insecure) },
	[OPT_STRICT] = { FLAG, AT(strict) },
	[OPT_LINKS] = { TEXT, AT(links) },
	[OPT_LIBRARY] = { LIST, AT(library_files) },
	[OPT_DEB] = { LIST, AT(library_debs) },
	[OPT_REFRESH] = { FLAG, AT(refresh) },
	[OPT_FORCE] = { FLAG, AT(force) },
	[OPT_JSON] = { FLAG, AT(json) },
};

static void store_option(struct toolchain_request *r, int key,
			 const char *value)
{
	void *at = (char *)r + places[key].offset;

	switch (places[key].kind) {
	case FLAG:
		*(bool *)at = true;
		break;
	case TEXT:
		*(const char **)at = value;
		break;
	case LIST:
		strv_add(at, value);
		break;
	case WORDS:
		strv_split(at, value, ",");
	}
}

static const char *option_word(int key)
{
	for (const struct args_option *o = options; o->key; o++) {
		if (o->key == key)
			return o->word;
	}
	return "";
}

static int check_usage(const struct toolchain_request *r, const struct verb *v,
		       unsigned given, struct err *err)
{
	if (!v)
		return err_set(err, EINVAL,
			       "%s%s%ssearch, install, list, verify, adopt, "
			       "default, remove or tune?",
			       r->verb ? "\"" : "", r->verb ? r->verb : "",
			       r->verb ? "\" is unknown; " : "");
	for (int key = OPT_ARCH; key <= OPT_JSON; key++) {
		if (given & ~v->takes & TAKES(key))
			return err_set(err, EINVAL, "--%s is not for %s",
				       option_word(key), v->name);
	}
	if (r->words.n < v->least || r->words.n > v->most)
		return err_set(err, EINVAL, "usage: kfarm toolchain %s%s",
			       v->name, v->usage);
	return 0;
}

static int parse(struct toolchain_request *r, const struct verb **verb,
		 char *const *argv, struct err *err)
{
	unsigned given = 0;
	struct args args;
	int key;

	args_init(&args, options, argv);
	while ((key = args_next(&args, err)) > 0 || key == ARGS_WORD) {
		if (key > 0) {
			given |= TAKES(key);
			store_option(r, key, args.value);
		} else if (!r->verb) {
			r->verb = args.value;
		} else {
			strv_add(&r->words, args.value);
		}
	}
	if (key < 0)
		return key;
	*verb = find_verb(r->verb);
	return check_usage(r, *verb, given, err);
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
