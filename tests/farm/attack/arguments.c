/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * attack/arguments.c - Options that execute, write or read files, in each
 * spelling that gcc accepts.
 *
 * The node must reject each option that executes or writes.  It can accept
 * options that read, because the sandbox holds only the client's own files.
 * The secret must not be in any result.
 */
#include "client.h"

#include "base/fs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* PATH is replaced by a file to read or write, PROGRAM by one to run. */
static const char *const runs[] = {
	"-wrapper PROGRAM",
	"-BPROGRAM/",
	"-B PROGRAM/",
	"--prefix=PROGRAM/",
	"-specs=PATH",
	"--specs=PATH",
	"-fplugin=PATH",
	"-fplugin-arg-x-y=PATH",
	"-iplugindir=PROGRAM",
	"-fmodule-mapper=|PROGRAM",
	"-no-canonical-prefixes",
	"-fuse-ld=PROGRAM",
	"-Xclang -load",
	"-load PATH",
	"-fpass-plugin=PATH",
	"--config PATH",
	"-###",
	"-fprebuilt-module-path=PROGRAM",
};

static const char *const writes[] = {
	"-o PATH",
	"-oPATH",
	"--output=PATH",
	"-MD",
	"-MMD",
	"-MF PATH",
	"-MFPATH",
	"-save-temps",
	"-save-temps=cwd",
	"-dumpdir PATH",
	"-dumpbase PATH",
	"-dumpbase-ext PATH",
	"-auxbase PATH",
	"-aux-info PATH",
	"-fdump-tree-all=PATH",
	"-fdump-rtl-all=PATH",
	"-fdump-final-insns=PATH",
	"-fdump-ada-spec",
	"-fdump-go-spec=PATH",
	"-da",
	"-dH",
	"-fprofile-note=PATH",
	"-fprofile-dir=PROGRAM",
	"-ftime-trace",
	"-fcompare-debug",
	"-ftime-report",
	"-foffload=PATH",
	"-print-file-name=PATH",
	"-Q",
	"-v",
	"-E",
	"-S",
	"-M",
	"-MM",
};

static const char *const reads[] = {
	"@PATH",
	"-fprofile-use=PATH",
	"-fauto-profile=PATH",
	"-fbranch-probabilities=PATH",
	"-include-pch PATH",
	"-fsanitize-blacklist=PATH",
	"-T PATH",
	"-l:PATH",
	"-x c PATH",
	"-fpreprocessed PATH",
	"PATH",
	"-fmacro-prefix-map=@PATH",
};

/*
 * Options that a node can accept: they read only the input root and write only
 * in the directory of the job.
 */
static const char *const looks[] = {
	"-include PATH",
	"-imacros PATH",
	"-I PROGRAM",
	"-isystem PROGRAM",
	"-iquote PROGRAM",
	"-idirafter PROGRAM",
	"--sysroot=PROGRAM",
	"-isysroot PROGRAM",
	"-iprefix PROGRAM/",
	"-iwithprefix x",
	"-frandom-seed=PATH",
	"-DX=\"PATH\"",
	"-fdebug-prefix-map=PATH=x",
	"-fmacro-prefix-map=PATH=x",
	"-ffile-prefix-map=/=PATH",
	"-Wp,-IPROGRAM",
	"-pipe",
	"-fstack-usage",
	"-fcallgraph-info",
	"-ftest-coverage",
	"--coverage",
	"-fsave-optimization-record",
	"-gsplit-dwarf",
	"-fopt-info",
	"-fopt-info-all=PATH",
	"-fopt-info -all=PATH",
	"-MJ PATH",
	"-foptimization-record-file=PATH",
};

static const char *const as_lists[] = {
	"-al=PATH",        "--MD,PATH", "-a=PATH",         "-MD,PATH",
	"-IPROGRAM",       "-o,PATH",   "--listing=PATH",  "@PATH",
	"--defsym,x=PATH", "-f,PATH",   "--gdwarf-5,PATH", "PATH",
};

static const char *const cpp_lists[] = {
	"-include,PATH", "-imacros,PATH", "-MF,PATH", "-MD,PATH",
	"-MMD,PATH",     "-o,PATH",       "@PATH",    "-dumpbase,PATH",
};

static char *spell(const struct scene *s, const char *form, const char *path)
{
	struct buf b = { 0 };
	const char *p = form, *at;

	while ((at = strpbrk(p, "P"))) {
		buf_add(&b, p, (size_t)(at - p));
		if (str_starts(at, "PROGRAM")) {
			buf_add_str(&b, s->work);
			p = at + 7;
		} else if (str_starts(at, "PATH")) {
			buf_add_str(&b, path);
			p = at + 4;
		} else {
			buf_add(&b, at, 1);
			p = at + 1;
		}
	}
	buf_add_str(&b, p);
	return buf_steal(&b);
}

struct gate {
	struct scene *s;
	struct node *n;
	uint32_t cell;
	char *target; /* the file that must not appear on the node */
};

/* Send one job with these flags.  If `must` is set, the node must reject it. */
static void attempt(struct gate *g, bool must, const struct wire_flag *flags,
		    size_t n)
{
	struct order o = { .cell = g->cell,
			   .view = 2,
			   .cwd = "/tree",
			   .source = "x.c",
			   .object = "x.o",
			   .flags = flags,
			   .n_flags = n };
	struct answer a;
	char *name = xasprintf("\"%s\"%s%s%s%s", flags[0].name,
			       flags[0].value ? " " : "",
			       flags[0].value ? flags[0].value : "",
			       n > 1 ? " " : "", n > 1 ? flags[1].name : "");
	bool leaks;

	node_job(g->n, &o, 60000, &a);
	leaks = scene_leaks(g->s, name, g->n, &a);
	if (!leaks)
		scene_result(
			g->s, name,
			a.done && !g->n->over && !fs_exists(g->target) &&
				(!must || (a.failed &&
					   a.class == WIRE_FAIL_UNSUPPORTED)),
			"%s%s%s", a.done ? "" : "no answer ",
			g->n->over ? "the node is gone " : "",
			fs_exists(g->target) ? "a file was written" :
			a.failed             ? a.reason :
					       "it was taken");
	if (g->n->over) {
		fprintf(stderr, "the node ended: %s\n",
			g->n->bye ? g->n->bye : "");
		exit(2);
	}
	remove(g->target);
	answer_release(&a);
	free(name);
}

/* Try each option as one word, and as a name and a separate value. */
static void forms(struct gate *g, const char *const *list, size_t n,
		  const char *path, bool must)
{
	for (size_t i = 0; i < n; i++) {
		char *whole = spell(g->s, list[i], path), *cut;
		struct wire_flag f = { whole, NULL };

		attempt(g, must, &f, 1);
		cut = strpbrk(whole, " =");
		if (cut) {
			bool blank = *cut == ' ';
			char *name = xstrndup(whole,
					      (size_t)(cut - whole) + !blank);

			f = (struct wire_flag){ name, cut + 1 };
			attempt(g, must, &f, 1);
			free(name);
		}
		free(whole);
	}
}

/*
 * Pass each option to the assembler or preprocessor: joined and word by word.
 */
static void lists(struct gate *g, const char *const *list, size_t n,
		  const char *comma, const char *pass, const char *path,
		  bool must)
{
	for (size_t i = 0; i < n; i++) {
		char *words = spell(g->s, list[i], path);
		char *whole = xasprintf("%s%s", comma, words);
		struct wire_flag f = { whole, NULL };
		struct wire_flag two[2] = { { pass, words }, { "-O", "2" } };

		attempt(g, must, &f, 1);
		f = (struct wire_flag){ comma, words };
		attempt(g, must, &f, 1);
		attempt(g, must, two, 2);
		free(words);
		free(whole);
	}
}

static void variables(struct gate *g)
{
	static const char *const names[] = {
		"COMPILER_PATH",
		"GCC_EXEC_PREFIX",
		"LIBRARY_PATH",
		"LD_PRELOAD",
		"LD_LIBRARY_PATH",
		"LD_AUDIT",
		"CPATH",
		"C_INCLUDE_PATH",
		"DEPENDENCIES_OUTPUT",
		"SUNPRO_DEPENDENCIES",
		"TMPDIR",
		"PATH",
		"GCC_COMPARE_DEBUG",
		"GCONV_PATH",
		"LOCPATH",
		"NLSPATH",
		"MALLOC_TRACE",
		"LD_DEBUG_OUTPUT",
		"COLLECT_GCC",
		"COLLECT_GCC_OPTIONS",
		"GCC_EXTRA_DIAGNOSTIC_OUTPUT",
		"CCC_OVERRIDE_OPTIONS",
		"AS_OPTIONS",
		"PWD",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		char *entry = xasprintf("%s=%s", names[i], g->target);
		char *env[] = { entry, NULL };
		struct wire_flag f = { "-O", "2" };
		struct order o = { .cell = g->cell,
				   .view = 2,
				   .cwd = "/tree",
				   .source = "x.c",
				   .object = "x.o",
				   .flags = &f,
				   .n_flags = 1,
				   .env = env };
		struct answer a;

		node_job(g->n, &o, 60000, &a);
		if (!scene_leaks(g->s, entry, g->n, &a))
			scene_result(g->s, entry,
				     a.done && !g->n->over &&
					     !fs_exists(g->target),
				     "a file was written, or no answer");
		answer_release(&a);
		free(entry);
	}
}

/* Try hostile values of the job's other fields. */
static void places(struct gate *g)
{
	static const struct {
		const char *name, *cwd, *source, *object;
	} list[] = {
		{ "source that is an option", "/tree", "-v", "x.o" },
		{ "source that is @file", "/tree", "@x.c", "x.o" },
		{ "source above", "/tree", "../../../etc/shadow", "x.o" },
		{ "absolute source", "/tree", "/etc/shadow", "x.o" },
		{ "object above", "/tree", "x.c", "../../../tmp/x.o" },
		{ "absolute object", "/tree", "x.c", "/etc/x.o" },
		{ "object that is an option", "/tree", "x.c", "-o" },
		{ "object with a list", "/tree", "x.c", "x,-al=/etc/x" },
		{ "no such cwd", "/nosuch", "x.c", "x.o" },
		{ "a file as cwd", "/tree/x.c", "x.c", "x.o" },
		{ "proc as cwd", "/proc", "self/environ", "x.o" },
		{ "our own place as cwd", "/.kfarm", "x.c", "x.o" },
		{ "dev as cwd", "/dev", "zero", "x.o" },
	};

	for (size_t i = 0; i < sizeof(list) / sizeof(*list); i++) {
		struct wire_flag f = { "-O", "2" };
		struct order o = { .cell = g->cell,
				   .view = 2,
				   .cwd = list[i].cwd,
				   .source = list[i].source,
				   .object = list[i].object,
				   .flags = &f,
				   .n_flags = 1,
				   .deadline_ms = 5000 };
		struct answer a;

		node_job(g->n, &o, 60000, &a);
		if (!scene_leaks(g->s, list[i].name, g->n, &a))
			scene_result(g->s, list[i].name, a.done && !g->n->over,
				     "no answer");
		answer_release(&a);
	}
}

/* Plant a leaked secret, a written file and an accepted option. */
static void controls(struct gate *g)
{
	struct wire_flag fine = { "-O", "2" };
	struct wire_flag planted = { "-D", "PLANTED" };
	struct err err = { 0 };

	scene_control(g->s);
	attempt(g, false, &planted, 1);
	scene_control_end(g->s, "a secret that comes out");
	scene_control(g->s);
	fs_write(g->target, bytes_str("x"), 0644, &err);
	attempt(g, false, &fine, 1);
	scene_control_end(g->s, "a file that was written");
	scene_control(g->s);
	attempt(g, true, &fine, 1);
	scene_control_end(g->s, "an argument that was taken");
}

#define COUNT(list) (sizeof(list) / sizeof(*(list)))

void attack_arguments(struct scene *s)
{
	char *source = xasprintf("int x;\n#ifdef PLANTED\n#error %s\n#endif\n",
				 s->secret);
	struct gate g = { .s = s, .n = node_start(s->kfarmd) };
	struct file f = { .path = "/tree/x.c", .content = bytes_str(source) };

	g.cell = node_cell(g.n, &s->gcc, "/tree");
	node_view(g.n, g.cell, 2, WIRE_PART_SOURCES, &f, 1);
	g.target = xasprintf("%s/written", s->work);
	controls(&g);
	forms(&g, runs, COUNT(runs), s->canary, true);
	forms(&g, writes, COUNT(writes), g.target, true);
	forms(&g, reads, COUNT(reads), s->canary, true);
	forms(&g, looks, COUNT(looks), s->canary, false);
	lists(&g, as_lists, COUNT(as_lists), "-Wa,", "-Xassembler", g.target,
	      true);
	lists(&g, cpp_lists, COUNT(cpp_lists), "-Wp,", "-Xpreprocessor",
	      g.target, true);
	lists(&g, as_lists, COUNT(as_lists), "-Wl,", "-Xlinker", s->canary,
	      true);
	variables(&g);
	places(&g);
	free(g.target);
	node_stop(g.n);
	free(source);
}
