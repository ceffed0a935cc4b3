/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: options */
/*
 * The node's gate against a hostile client: lines of NAME<TAB>VALUE.
 * Whatever passes is an option, none of those that run, write or read
 * something, and leaves the line a compile of in.c to out.o.
 */
#include "options/list.h"
#include "options/table.h"
#include "options/typed.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
	if (!ok)
		abort();
}

/* Not by the table that it tests, but by what gcc's manual says. */
static const char *const forbidden[] = {
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
	"-M",
	"-I",
	"-i",
	"-Wp,",
	"-Wl,",
	"-D",
	"-U",
	"-march=native",
	"-mcpu=native",
	"-mtune=native",
	"-x",
	"--coverage",
	"-fpreprocessed",
	"-fdirectives-only",
	"-g",
	"-flto",
	"-frecord",
	"-T",
	"-S",
	"-c",
	"-v",
	"-l",
	"-L",
	"-n",
	"-fexec-charset",
	"-finput",
	"-frandomize",
	"-fbranch-prob",
	"-foffload",
	"-fwpa",
	"-fltrans",
	"-fresolution",
	"-fdbg",
	"-fcompare-debug",
	"--sysroot",
	"--prefix",
	"-fwide-exec",
	"-fsanitize-i",
	"-fsanitize-b",
	NULL,
};

static void word_ok(const char *word)
{
	must(word[0] == '-' && word[1]);
	must(!strpbrk(word, "\n\r\t\v\f\x7f"));
	for (const char *const *s = forbidden; *s; s++)
		must(!str_starts(word, *s));
	if (str_starts(word, "-Wa"))
		must(!strstr(word, ",-a") && !strstr(word, ",-MD") &&
		     !strstr(word, ",--MD") && !strchr(word, '/') &&
		     !strchr(word, '@') && !strstr(word, ",-o") &&
		     !strstr(word, ",-I"));
	if (strchr(word, '/'))
		must(strstr(word, "-prefix-map=") != NULL ||
		     str_starts(word, "-frandom-seed=") ||
		     str_starts(word, "-fsanitize-sections=") ||
		     str_starts(word, "-finstrument-functions-exclude-"));
}

static void separate_ok(const char *name, const char *value)
{
	if (!strcmp(name, "-Xassembler")) {
		must(options_list_assembler_ok(value, strlen(value)));
		must(value[0] == '-' && value[1] != 'a' && value[1] != 'o');
		return;
	}
	must(!strcmp(name, "--param") || !strcmp(name, "--std"));
	must(value[0] && value[0] != '-' && value[0] != '@');
	must(!strchr(value, '/'));
}

/* What stays refused where the node preprocesses in a cell. */
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

static void remote_word_ok(const char *word)
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

static void try_remote(const char *name, const char *value)
{
	struct strv argv = { 0 };
	struct err err = { 0 };

	if (options_typed_allow_remote(&argv, name, value, &err)) {
		must(!argv.n && err.text[0]);
		must(options_typed_allow(&argv, name, value, &err) != 0);
	} else if (argv.n == 2) {
		must(argv.v[1][0] && argv.v[1][0] != '@');
		must(argv.v[1][0] != '-' || !strcmp(argv.v[0], "-Xassembler"));
		must(!strcmp(argv.v[0], "--sysroot") ||
		     !strcmp(argv.v[0], "--param") ||
		     !strcmp(argv.v[0], "--std") ||
		     !strcmp(argv.v[0], "-Xassembler"));
	} else {
		must(argv.n == 1);
		remote_word_ok(argv.v[0]);
	}
	strv_release(&argv);
}

static void try_one(struct strv *argv, char *line)
{
	char *tab = strchr(line, '\t');
	size_t at = argv->n;
	struct err err = { 0 };
	int ret;

	if (tab)
		*tab++ = '\0';
	try_remote(line, tab);
	ret = options_typed_allow(argv, line, tab, &err);
	if (ret) {
		must(ret < 0 && argv->n == at && err.text[0]);
		return;
	}
	/* Of a value too: some become the assembler's words. */
	must(!tab || *tab != '@');
	must(argv->n == at + 1 || argv->n == at + 2);
	if (argv->n == at + 2)
		separate_ok(argv->v[at], argv->v[at + 1]);
	else
		word_ok(argv->v[at]);
}

static void still_a_compile(struct strv *argv)
{
	static char *const rest[] = { "-x",    "c",    "-c", "-o",
				      "out.o", "in.c", NULL };
	struct options_compile c;

	strv_add_all(argv, rest);
	options_compile_parse(&c, argv->v);
	must(c.verdict == OPTIONS_AWAY && !c.dep);
	must(!strcmp(c.source, "in.c") && !strcmp(c.object, "out.o"));
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
