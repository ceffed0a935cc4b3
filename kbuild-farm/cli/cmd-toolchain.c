/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/cmd.h"
#include "cli/toolchain.h"

#include "base/log.h"

#include <stddef.h>
#include <string.h>

#define AT(member) offsetof(struct toolchain_request, member)

static const struct args_option options[] = {
	{ 'a', "arch", "ARCH", "compile for this ARCH of the kernel",
	  args_commas, AT(arches), 0 },
	{ 0, "triplet", "T", "the same, as compilers call it", args_commas,
	  AT(triplets), 0 },
	{ 0, "host", "HOST", "run on x86_64, arm64 ...", args_commas, AT(hosts),
	  0 },
	{ 0, "nodes", "LIST", "on these nodes, too: all, none or NAME,NAME",
	  args_text, AT(nodes), 0 },
	{ 0, "file", "ARCHIVE", "a local archive instead of a download",
	  args_text, AT(file), 0 },
	{ 0, "sha256", "HEX", "what the archive must be", args_text, AT(sha256),
	  0 },
	{ 0, "insecure", NULL, "accept what nothing vouches for", args_flag,
	  AT(insecure), 0 },
	{ 0, "strict", NULL, "ask for the maintainer's signature, too",
	  args_flag, AT(strict), 0 },
	{ 0, "links", "DIR", "put the names there, too", args_text, AT(links),
	  0 },
	{ 0, "library", "FILE", "a library that this machine lacks", args_list,
	  AT(library_files), 0 },
	{ 0, "deb", "FILE", "a Debian package that has it", args_list,
	  AT(library_debs), 0 },
	{ 0, "refresh", NULL, "ask the servers again", args_flag, AT(refresh),
	  0 },
	{ 0, "force", NULL, "although in use or changed", args_flag, AT(force),
	  0 },
	{ 0, "json", NULL, "print JSON", args_flag, AT(json), 0 },
	{ 0 },
};

static const struct verb {
	struct cmd_verb about;
	int (*run)(struct toolchain_request *r);
} verbs[] = {
	{ { "search", " [WORD]...", "host refresh json", 0, 100,
	    "what the servers offer, and what of it is here" },
	  toolchain_search_main },
	{ { "install", " VERSION...",
	    "arch triplet host nodes file sha256 insecure strict links library deb refresh",
	    0, 100, "get the newest that fits, check it, try it, name it" },
	  toolchain_install_main },
	{ { "list", "", "nodes json", 0, 0,
	    "what is installed, here and on the nodes" },
	  toolchain_list_main },
	{ { "verify", " [ID]...", "nodes json", 0, 100,
	    "the same after hashing all of it again" },
	  toolchain_verify_main },
	{ { "adopt", " PREFIX...", "links force", 1, 100,
	    "give a compiler that is there already an id and names" },
	  toolchain_adopt_main },
	{ { "default", " [ARCH [ID]]", "json", 0, 2,
	    "what builds use for ARCH unless told otherwise" },
	  toolchain_default_main },
	{ { "remove", " ID...", "nodes force", 1, 100,
	    "remove toolchains and their names" },
	  toolchain_remove_main },
	{ { "tune", " [ID]...", "nodes", 0, 100,
	    "time the builds that nodes hold; the fastest is used" },
	  toolchain_tune_main },
};

static const struct cmd_verb *toolchain_verb(size_t i)
{
	return i < sizeof(verbs) / sizeof(*verbs) ? &verbs[i].about : NULL;
}

static int toolchain_main(char *const *argv)
{
	struct toolchain_request r = { 0 };
	const struct verb *verb;
	struct err err = { 0 };
	int status, ret;

	verb = (const struct verb *)cmd_verb_parse(&cmd_toolchain, argv, &r,
						   &r.words, &err);
	if (!verb) {
		log_error("toolchain: %s", err.text);
		status = EXIT_USAGE;
	} else {
		r.verb = verb->about.name;
		ret = toolchain_settings_load(&r, &err);
		status = ret ? toolchain_failed(&r, ret, &err) : verb->run(&r);
	}
	toolchain_settings_release(&r);
	return status;
}

const struct cmd cmd_toolchain = {
	.name = "toolchain",
	.usage = "VERB [OPTION]... [ARGUMENT]...",
	.help = "find, install and name compilers, here and on nodes",
	.options = options,
	.verb = toolchain_verb,
	.more = "VERSION is gcc-13, gcc-13.3.0, clang-18 and so on; the newest "
		"that\nfits is taken.  kfarm(1) tells what each of them does.\n",
	.run = toolchain_main,
};
