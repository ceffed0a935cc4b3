/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: options */
/*
 * The node's allowlist against a hostile client: lines of NAME<TAB>VALUE.  Each
 * accepted line is an option that neither executes, writes nor reads a file,
 * and the command line remains a compile of in.c to out.o.
 */
#include "base/str.h"
#include "options/allowlist.h"
#include "options/table.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
	if (!ok)
		abort();
}

/* From gcc's manual, independent of the table under test. */
static const char *const never[] = {
	"-B",
	"-wrapper",
	"--wrapper",
	"-specs",
	"--specs",
	"-fplugin",
	"-fmodule",
	"-save-temps",
	"--save-temps",
	"-dump",
	"-d",
	"-fdump",
	"-aux",
	"-fopt-info",
	"-fstack-usage",
	"-fcallgraph",
	"-fprofile",
	"-ftest-cov",
	"-fsave-opt",
	"-fauto-profile",
	"-o",
	"-MD",
	"-MMD",
	"-MF",
	"-MJ",
	"-MG",
	"-Wl,",
	"-march=native",
	"-mcpu=native",
	"-mtune=native",
	"-x",
	"--coverage",
	"-gsplit",
	"-gcc-",
	"-gen-",
	"-flto",
	"-frecord",
	"-T",
	"-S",
	"-c",
	"-E",
	"-l",
	"-L",
	"-iplugin",
	"-include-pch",
	"-ivfs",
	"-X",
	"-resource",
	"--config",
	"--prefix",
	"--driver",
	"-mllvm",
	NULL,
};

static void word_ok(const char *word)
{
	must(word[0] == '-' && word[1]);
	must(!strpbrk(word, "\n\r\t\v\f\x7f"));
	for (const char *const *s = never; *s; s++)
		must(!str_starts(word, *s));
	if (str_starts(word, "-Wp,"))
		must(!strstr(word, ",-M") && !strstr(word, ",-i") &&
		     !strstr(word, ",-f") && !strstr(word, ",-o"));
	if (str_starts(word, "-Wa,"))
		must(!strstr(word, ",-a") && !strstr(word, ",-MD") &&
		     !strstr(word, ",--MD") && !strchr(word, '/') &&
		     !strchr(word, '@') && !strstr(word, ",-o") &&
		     !strstr(word, ",-I"));
}

/* Return true for -mllvm with an option of LLVM that accesses no file. */
static bool is_llvm_option(char *const *words)
{
	static const char *const prefixes[] = {
		"-asan-", "-hexagon-cext=", "-hwasan-", "-max-store-memset=",
		"-msan-", "-tsan-",
	};

	for (size_t i = 0; i < sizeof(prefixes) / sizeof(*prefixes); i++) {
		if (str_starts(words[1], prefixes[i]))
			return !strcmp(words[0], "-mllvm") &&
			       !strchr(words[1], '/');
	}
	return false;
}

static void try_one(struct strv *argv, char *line)
{
	char *tab = strchr(line, '\t');
	size_t at = argv->n;
	struct err err = { 0 };
	char **added;

	if (tab)
		*tab++ = '\0';
	if (options_allowlist_add_flag(argv, line, tab, &err)) {
		must(argv->n == at && err.text[0]);
		return;
	}
	/* Values too: some become arguments of the assembler. */
	must(!tab || *tab != '@');
	added = argv->v + at;
	if (argv->n == at + 2) {
		must(added[1][0] && added[1][0] != '@');
		must(added[1][0] != '-' || !strcmp(added[0], "-Xassembler") ||
		     !strcmp(added[0], "-mllvm"));
		must(!strcmp(added[0], "--sysroot") ||
		     !strcmp(added[0], "--param") ||
		     !strcmp(added[0], "--std") ||
		     !strcmp(added[0], "-Xassembler") || is_llvm_option(added));
	} else {
		must(argv->n == at + 1);
		word_ok(added[0]);
	}
}

static void still_a_compile(struct strv *argv)
{
	static char *const rest[] = { "-x",    "c",    "-c", "-o",
				      "out.o", "in.c", NULL };
	struct options_command c;

	strv_add_all(argv, rest);
	options_command_parse(&c, argv->v);
	must(c.class == OPTIONS_CLASS_REMOTE && !c.dep);
	must(!strcmp(c.source, "in.c") && !strcmp(c.object, "out.o"));
	options_command_release(&c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = xstrndup((const char *)data, size), *save = NULL;
	struct strv argv = { 0 };

	strv_add(&argv, "gcc");
	for (char *line = strtok_r(text, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save))
		try_one(&argv, line);
	still_a_compile(&argv);
	strv_release(&argv);
	free(text);
	return 0;
}
