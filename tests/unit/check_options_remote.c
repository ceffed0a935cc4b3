/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: options */
/* san: long */
/*
 * Verification of remote command lines with the real compilers.  Each unit is
 * compiled by make's command line and by that of a node.  The objects, the
 * diagnostics and, after filtering, the depfiles must be byte-identical.
 */
#include "../lib/test.h"
#include "base/depfile.h"
#include "base/which.h"
#include "options-proof.h"
#include "options/allowlist.h"
#include "options/command.h"
#include "options/table.h"

static const char *const compilers[] = {
	"gcc",
	"aarch64-linux-gnu-gcc",
	"clang",
	NULL,
};

#define LENGTH(a) (sizeof(a) / sizeof((a)[0]))

static const struct proof_file files[] = {
	{ "plain.c", "#include <stddef.h>\n#include \"h/a.h\"\n"
		     "#include <stdarg.h>\n#include <stdbool.h>\n"
		     "int table[] = { ONE, sizeof(struct a) };\n"
		     "#ifdef GIVEN\nint given = GIVEN;\n#endif\n"
		     "int f(int x) { return x * table[1] + (int)SIZE; }\n"
		     "static int unused;\n"
		     "const char *where(void) { return __FILE__ \" \" "
		     "__BASE_FILE__; }\n" },
	{ "warn.c", "#include \"h/a.h\"\n"
		    "int f(int x)\n{\n\tint y;\n\tif (x = 1)\n"
		    "\t\treturn x;\n\treturn y;\n}\n" },
	{ "many.c", "#include <s/one.h>\n#include \"h/a.h\"\n"
		    "#include <s/with blank.h>\n#include \"h/b,c.h\"\n"
		    "#include \"h/a#b.h\"\n#include \"h/a$b.h\"\n"
		    "#include \"h/a b.h\"\n#include <s/hash#mark.h>\n"
		    "#include \"h/a:b.h\"\n#include <stddef.h>\n"
		    "#include \"h/a_rather_long_name_of_a_header_that_folds_"
		    "the_line_by_itself_.h\"\n#include <stdarg.h>\n"
		    "#include \"h/inc.h\"\n#include <s/one.h>\n"
		    "int many = ONE + COMMA;\n" },
	{ "start.S", "#include \"h/a.h\"\n#include <s/one.h>\n"
		     "\t.text\n\t.globl start\nstart:\n\t.long ONE\n"
		     "#ifdef GIVEN\n\t.long GIVEN\n#endif\n" },
	{ "bare.s", "\t.file \"bare.c\"\n\t.text\n\t.globl bare\nbare:\n"
		    "\t.include \"h/inc.s\"\n\t.long 4\n"
		    "\t.incbin \"bare.s\", 0, 4\n#define X 1\n" },
	{ "warn.s", "\t.text\n\t.warning \"said\"\n\t.long 1\n" },
	{ "h/inc.s", "\t.long 3\n" },
	{ "odd name, \xc3\xa4.c", "#include \"h/b,c.h\"\nint o = COMMA;\n" },
	{ "h/a.h", "#ifndef A_H\n#define A_H\n#define ONE 1\n"
		   "#define SIZE 17\n#ifndef __ASSEMBLER__\n"
		   "struct a { char c; long l; };\n#endif\n#endif\n" },
	{ "h/b,c.h", "#define COMMA 3\n" },
	{ "h/a#b.h", "" },
	{ "h/a$b.h", "" },
	{ "h/a b.h", "" },
	{ "h/a:b.h", "" },
	{ "h/a_rather_long_name_of_a_header_that_folds_the_line_by_itself_.h",
	  "" },
	{ "h/inc.h", "#define INCLUDED 1\n" },
	{ "s/one.h", "#define S_ONE 1\n" },
	{ "s/with blank.h", "" },
	{ "s/hash#mark.h", "" },
};

/* Command lines with "%o" for the object and "%d" for the depfile. */
static const char *const lines[] = {
	"-c plain.c -o %o",
	"-Wp,-MMD,%d -O2 -Wall -std=gnu11 -c -o %o plain.c",
	"-Wp,-MD,%d -nostdinc -isystem . -c -o %o start.S",
	"-Wp,-MMD,%d -isystem . -Ih -O2 -c -o %o many.c",
	"-MD -isystem . -c -o %o many.c",
	"-MMD -isystem . -c many.c -o %o",
	"-MMD -MP -MF %d -isystem . -c many.c -o %o",
	"-MD -MP -MF%d -isystem . -c many.c -o %o",
	"-MMD -MF %d -MT x.o -MT y.o -isystem . -c many.c -o %o",
	"-MMD -MF %d -MQ a$b.o -MT z.o -MQ c#d.o -isystem . -c many.c -o %o",
	"-MMD -MT a/long/target/that/folds/the/line/somewhere/here.o "
	"-MT another/long/target/that/is/behind/the/first/fold.o "
	"-isystem . -c many.c -o %o",
	"-MMD -MTjoined.o -c plain.c -o %o",
	"-MD -c plain.c",
	"-MMD -I. -O2 -c start.S",
	"-MD -I. -c -o %o start.S",
	"-isystem . -Wp,-MMD,%d -D__ASSEMBLY__ -DGIVEN=9 -c -o %o start.S",
	"-isystem . -Wp,-MMD,%d -D__ASSEMBLY__ -g -c -o %o start.S",
	"-Wp,-MMD,%d -g -O2 -c -o %o plain.c",
	"-Wp,-MMD,%d -gdwarf-5 -g -O2 -c -o %o plain.c",
	"-MD -g3 -D X=1 -U X -DQ=\"4\" -DGIVEN=4 -c -o %o plain.c",
	"-MMD -MF %d -ggdb -include h/inc.h -imacros h/b,c.h -c -o %o plain.c",
	"-iquote h -idirafter s -I . -I. -c -o %o plain.c",
	"-Wall -Wextra -Wp,-MMD,%d -O2 -c -o %o warn.c",
	"-Wall -fdiagnostics-color=always -O1 -MMD -c warn.c -o %o",
	"-x c -O2 -c plain.c -o %o",
	"-g -xc -MD -MF %d -MP -c plain.c -o %o",
	"-I. -xassembler-with-cpp -c start.S -o %o",
	"-pthread -pipe -O2 -c -o %o plain.c",
	"-c bare.s -o %o",
	"-g -O2 -Wall -c bare.s",
	"-gdwarf-4 -fdebug-prefix-map=bare=other -c -o %o bare.s",
	"-Wp,-MMD,%d -g -gz=zlib -O2 -c -o %o plain.c",
	"-isystem . -Wp,-MMD,%d -D__ASSEMBLY__ -g -gz=zlib -c -o %o start.S",
	"-g -gz -c -o %o bare.s",
	"-Wp,-MMD,%d -g -Wa,--compress-debug-sections -c -o %o plain.c",
	"-x assembler -Wa,--noexecstack -c start.S -o %o",
	"-Ih -fPIC -c -o %o warn.s",
};

static const char *const gcc_lines[] = {
	"-Wp,-MD,%d,-MT,some/thing.o -isystem . -O2 -c -o %o many.c",
	"-Wp,-MD,%d -Wp,-MT,that.o -DGIVEN=3 -O2 -c -o %o plain.c",
	"-Wp,-MMD,%d,-DGIVEN=5,-MP -isystem . -O1 -c -o %o many.c",
	"-Wp,-MMD,%d -DGIVEN=1 -Wp,-UGIVEN,-DGIVEN=2 -c -o %o plain.c",
	"-Wp,-MMD,%d -I. -Wa,-gdwarf-2 -c -o %o start.S",
	"-Wp,-MMD,%d -Wa,--fatal-warnings -undef -c -o %o "
	"plain.c",
	"-O2 -fmacro-prefix-map=plain=other -g -c -o %o plain.c",
	"-g -O2 -fno-var-tracking -fsanitize=undefined -c -o %o plain.c",
	"-flto -O2 -g -frandom-seed=k -MD -c -o %o many.c -isystem .",
	"-flto=auto -ffat-lto-objects -frandom-seed=k -O2 -c -o %o plain.c",
	"-MD -MF %d -MP -MT x.o -g -c -o %o bare.s",
	"-Wp,-MMD,%d -DGIVEN=1 -include none.h -Wp,-DX -c -o %o bare.s",
	"-MMD -Wa,-g,--fatal-warnings -c bare.s",
	"-MD -flto -O2 -frandom-seed=k -Wa,-W -c -o %o warn.s",
	"--debug-prefix-map=plain=other -g -c -o %o plain.c",
	"-isystem . --debug-prefix-map=start=x -g -MD -c -o %o start.S",
};

static const char *const clang_lines[] = {
	"--target=aarch64-linux-gnu -fintegrated-as -Qunused-arguments "
	"-Wp,-MMD,%d -Werror=unknown-warning-option -g -O2 -c -o %o plain.c",
	"--target=arm-linux-gnueabihf -Wp,-MMD,%d -isystem . -c -o %o many.c",
	"--target=aarch64-linux-gnu -fintegrated-as -I. -Wp,-MMD,%d -g "
	"-D__ASSEMBLY__ -c -o %o start.S",
	"-flto=thin -fsplit-lto-unit -fvisibility=hidden -O2 -g -c -o %o many.c "
	"-isystem . -Wp,-MMD,%d",
	"-flto=full -O2 -c -o %o plain.c",
	"-flto -O2 -Wall -c -o %o warn.c",
	"-flto=thin -I. -c -o %o start.S",
	"--target=aarch64-linux-gnu -fintegrated-as -g -c -o %o bare.s",
	"-DGIVEN=1 -Ih -O2 -g -c bare.s",
	"-Wp,-MD,%d -Wp,-MT,some/thing.o -isystem . -O2 -c -o %o many.c",
	"-Wp,-MT,x$y.o -Wp,-MMD,%d -isystem . -O2 -c -o %o many.c",
	"-Wp,-MMD,%d -MT own.o -O2 -c -o %o plain.c",
	"-fsanitize=kernel-address -mllvm -asan-mapping-offset=0xdf0000 "
	"-mllvm -asan-stack=1 -mllvm -asan-globals=1 "
	"-mllvm -asan-instrumentation-with-call-threshold=0 "
	"-Wp,-MMD,%d -O2 -c -o %o plain.c",
	"-fsanitize=thread -mllvm -tsan-distinguish-volatile=1 -O2 -c -o %o "
	"plain.c",
	"-mllvm -max-store-memset=9 -O2 -c -o %o plain.c",
};

static void setup(void)
{
	proof_setup(files, sizeof(files) / sizeof(*files));
}

static const struct options_node_outputs outputs = {
	.object = "out/node.o",
	.dep = "out/node.d",
	.as_dep = "out/as.d",
};

/* gcc writes no depfile for an input that only the assembler reads. */
static void no_depfile(const char *line)
{
	static const char *const names[] = { "out/.x.o.d", "out/x.d", "y.dir.d",
					     "noext.d",    "bare.d",  "warn.d",
					     "start.d" };

	for (size_t i = 0; i < LENGTH(names); i++)
		ck_assert_msg(!fs_exists(names[i]), "%s: %s", line, names[i]);
}

static void node_line(struct strv *node, char *const *argv, const char *line,
		      const struct options_command *c)
{
	struct options_node_outputs node_outputs = outputs;
	struct options_flags flags;
	struct err err = { 0 };

	strv_add(node, argv[0]);
	ck_assert_msg(!options_allowlist_make_flags(&flags, c, &err), "%s: %s",
		      line, err.text);
	for (size_t i = 0; i < flags.n_flags; i++)
		ck_assert_msg(
			!options_allowlist_add_flag(node, flags.flags[i].name,
						    flags.flags[i].value, &err),
			"%s: %s", line, err.text);
	options_flags_release(&flags);
	node_outputs.is_clang = c->is_clang;
	must(options_allowlist_add_outputs(node, c->lang, c->source,
					   &node_outputs, &err));
}

/* True for a file that is not in the client's own depfile. */
static bool not_in(void *ctx, const char *name)
{
	return !strv_has(ctx, name);
}

static void same_depfile(const char *line)
{
	struct buf want = { 0 }, full = { 0 }, cut = { 0 };
	struct strv wanted = { 0 };

	proof_read(&want, "want.d");
	proof_read(&full, outputs.dep);
	ck_assert_int_eq(depfile_parse(&wanted, buf_bytes(&want)), 0);
	ck_assert_int_eq(
		depfile_filter(&cut, buf_bytes(&full), not_in, &wanted), 0);
	ck_assert_msg(bytes_equal(buf_bytes(&want), buf_bytes(&cut)),
		      "%s\nfull:\n%s\nwanted:\n%s\ncut:\n%s", line,
		      buf_str(&full), buf_str(&want), buf_str(&cut));
	strv_release(&wanted);
	buf_release(&want);
	buf_release(&full);
	buf_release(&cut);
}

static void verify_node_outputs(const struct strv *argv, const char *line,
				const struct options_command *c, bool dep)
{
	struct strv node = { 0 };

	node_line(&node, argv->v, line, c);
	ck_assert_msg(proof_run(&node, NULL, STDERR_FILENO, "out/said"),
		      "%s: node", line);
	proof_same(line, "object", "want.o", outputs.object);
	proof_same(line, "diagnostics", "said", "out/said");
	if (dep)
		same_depfile(line);
	ck_assert(!options_allowlist_has_as_deps(&node) ||
		  fs_exists(outputs.as_dep));
	strv_release(&node);
}

static void verify(const struct strv *argv, const char *line)
{
	struct options_command c;
	char *object, *dep;

	options_command_parse(&c, argv->v);
	ck_assert_msg(c.class == OPTIONS_CLASS_REMOTE, "%s: %s", line,
		      reason_text(c.reason));
	object = options_output_object_path(&c);
	dep = options_output_dep_path(&c);
	ck_assert_msg(proof_run(argv, NULL, STDERR_FILENO, "said"), "%s %s",
		      argv->v[0], line);
	ck_assert_int_eq(rename(object, "want.o"), 0);
	if (dep)
		ck_assert_msg(!rename(dep, "want.d"), "%s: %s", line, dep);
	else if (c.lang == OPTIONS_LANG_ASM)
		no_depfile(line);
	verify_node_outputs(argv, line, &c, dep);
	options_command_release(&c);
	free(object);
	free(dep);
}

static void verify_all(const char *compiler, const char *const *list, size_t n)
{
	static const char *const objects[] = { "out/x.o", "y.dir.o", "noext" };

	for (size_t i = 0; i < n; i++) {
		struct strv argv = { 0 };

		proof_split(&argv, compiler, list[i],
			    objects[i % LENGTH(objects)]);
		verify(&argv, list[i]);
		strv_release(&argv);
	}
}

FIXTURE(setup, proof_teardown);
TIMEOUT(600);

TEST_RANGE(the_command_line_of_a_node_yields_identical_outputs, 0,
	   LENGTH(compilers) - 1)
{
	char *path = find_compiler(compilers[_i]);

	if (!path)
		return;
	verify_all(path, lines, LENGTH(lines));
	if (strstr(compilers[_i], "clang"))
		verify_all(path, clang_lines, LENGTH(clang_lines));
	else
		verify_all(path, gcc_lines, LENGTH(gcc_lines));
	free(path);
}

/* Skip lines that the compiler rejects or that are never offloaded. */
static bool is_verifiable(const struct strv *argv)
{
	struct options_command c;
	struct options_flags flags;
	struct err err;
	int ret;

	options_command_parse(&c, argv->v);
	ret = options_allowlist_make_flags(&flags, &c, &err);
	options_command_release(&c);
	if (ret)
		return false;
	options_flags_release(&flags);
	return proof_run(argv, NULL, STDERR_FILENO, "said");
}

/* cc1 records its options, including the linker's, in debug information. */
static bool verify_link_option(char *path, const struct options_entry *e)
{
	struct strv argv = { 0 };
	bool can;

	proof_split(&argv, path, "-g -O1 -c -o out/x.o plain.c", "");
	if (e->form == OPTIONS_FORM_JOINED || e->form == OPTIONS_FORM_EITHER)
		strv_addf(&argv, "%sbfd", e->name);
	else
		strv_add(&argv, e->name);
	if (e->form == OPTIONS_FORM_SEPARATE)
		strv_add(&argv, "bfd");
	can = is_verifiable(&argv);
	if (can)
		verify(&argv, e->name);
	strv_release(&argv);
	return can;
}

TEST_RANGE(outputs_with_a_link_option_are_identical_on_a_node, 0,
	   LENGTH(compilers) - 1)
{
	static const char *const always_offloaded[] = { "-Qn",
							"-fuse-linker-plugin" };
	char *path = find_compiler(compilers[_i]);
	const struct options_entry *e;
	size_t n = 0;

	if (!path)
		return;
	for (size_t i = 0; (e = options_entry(i)); i++)
		n += e->use == OPTIONS_USE_LINK && verify_link_option(path, e);
	for (size_t i = 0; i < LENGTH(always_offloaded); i++)
		ck_assert(verify_link_option(
			path, options_table_find_name(always_offloaded[i])));
	ck_assert(n > 10 || strstr(compilers[_i], "clang"));
	free(path);
}

TEST_RANGE(an_unusual_file_name_yields_identical_outputs, 0,
	   LENGTH(compilers) - 1)
{
	char *path = find_compiler(compilers[_i]);
	char *words[] = { path, "-MMD",
			  "-c", (char *)"odd name, \xc3\xa4.c",
			  "-o", "out/o d,d#.o",
			  NULL };
	struct strv argv = { 0 };

	if (path) {
		strv_add_all(&argv, words);
		verify(&argv, "odd name");
		strv_release(&argv);
	}
	free(path);
}

/* Command lines that are never offloaded. */
static const char *const unsupported[] = {
	"gcc -Wp,-MD,x.d,-MT,a -MT b -c a.c",
	"gcc -MD -Wp,-MT,a -c a.c",
	"gcc -Wp,-MD,x.d,-MT,a,-MQ,b -c a.c",
	"gcc -imultilib x -c a.c",
	"gcc -F/x -c a.c",
	"gcc -gcc-toolchain -c a.c",
	"clang -Wp,-MMD,x.d,-MP -c a.c",
	"clang -Wp,-MMD,x.d,-MT,a -c a.c",
	"clang -Wp,-MMD,x.d -Wp,-MQ,a -c a.c",
	"clang -Wp,-MMD,x.d -Wp,-MT,a -MT b -c a.c",
	"clang -lm -c a.c",
};

TIMEOUT(0);

TEST_EACH(an_unsupported_line_is_local_or_rejected_with_an_error, unsupported)
{
	struct options_command c;
	struct options_flags flags;
	struct err err = { 0 };
	struct strv argv = { 0 };
	char *copy = xstrdup(*row), *save = NULL;

	for (char *w = strtok_r(copy, " ", &save); w;
	     w = strtok_r(NULL, " ", &save))
		strv_add(&argv, w);
	options_command_parse(&c, argv.v);
	if (c.class == OPTIONS_CLASS_REMOTE) {
		ck_assert_int_eq(options_allowlist_make_flags(&flags, &c, &err),
				 -ENOTSUP);
		ck_assert_str_ne(err.text, "");
		ck_assert_uint_eq(flags.n_flags, 0);
	}
	options_command_release(&c);
	strv_release(&argv);
	free(copy);
}

/* Command lines of Linux 6.1, with options of its configurations. */
static const char *const kernel[] = {
	"clang -Wp,-MMD,lib/.a.o.d -nostdinc -I./arch/arm64/include -include "
	"./include/linux/kconfig.h -D__KERNEL__ --target=aarch64-linux-gnu "
	"-fintegrated-as -Werror=unknown-warning-option "
	"-Werror=ignored-optimization-argument -Werror=option-ignored "
	"-Werror=unused-command-line-argument -mlittle-endian "
	"-DKASAN_SHADOW_SCALE_SHIFT= -Qunused-arguments "
	"-fmacro-prefix-map=./= -Wall -Wundef -Wno-gnu -std=gnu11 "
	"-fno-strict-aliasing -fno-common -fshort-wchar -fno-PIE "
	"-mgeneral-regs-only -DCONFIG_CC_HAS_K_CONSTRAINT=1 "
	"-fno-asynchronous-unwind-tables -fno-unwind-tables "
	"-mbranch-protection=pac-ret+leaf+bti -Wa,-march=armv8.5-a "
	"-ffixed-x18 -fno-delete-null-pointer-checks -O2 "
	"-Wframe-larger-than=2048 -fstack-protector-strong "
	"-fno-omit-frame-pointer -ftrivial-auto-var-init=zero "
	"-enable-trivial-auto-var-init-zero-knowing-it-will-be-removed-from-"
	"clang -fno-stack-clash-protection -fpatchable-function-entry=2 "
	"-Wno-unused-const-variable -Wcast-function-type "
	"-fno-strict-overflow -fno-stack-check -Wno-initializer-overrides "
	"-mstack-protector-guard=sysreg -mstack-protector-guard-reg=sp_el0 "
	"-mstack-protector-guard-offset=1272 -g -gdwarf-5 "
	"-DKBUILD_MODFILE=\"lib/a\" -D__KBUILD_MODNAME=kmod_a -c -o lib/a.o "
	"lib/a.c",
	"clang -Wp,-MMD,a.d -m64 -mno-80387 -mstack-alignment=8 "
	"-mskip-rax-setup -mtune=generic -mno-red-zone -mcmodel=kernel "
	"-mretpoline-external-thunk -mindirect-branch-cs-prefix "
	"-mfunction-return=thunk-extern -fno-jump-tables -mharden-sls=all "
	"-fcf-protection=none -falign-loops=1 -c -o a.o a.c",
	"gcc -Wp,-MMD,a.d -nostdinc -I./include -D__KERNEL__ "
	"-fmacro-prefix-map=./= -g -gdwarf-5 -O2 -fno-var-tracking "
	"-DKBUILD_MODNAME=\"a\" -c -o a.o a.c",
	"gcc -Wp,-MMD,a.d -D__ASSEMBLY__ -Wa,-gdwarf-5 -g -c -o a.o a.S",
	"gcc -Wp,-MMD,scripts/.x.d -Wall -O2 -fomit-frame-pointer -std=gnu11 "
	"-I./scripts -c -o scripts/x.o scripts/x.c",
};

TEST_EACH(a_kernel_command_line_is_remote_and_allowed, kernel)
{
	struct options_command c;
	struct options_flags flags;
	struct err err = { 0 };
	struct strv argv = { 0 };
	char *copy = xstrdup(*row), *save = NULL;

	for (char *w = strtok_r(copy, " ", &save); w;
	     w = strtok_r(NULL, " ", &save))
		strv_add(&argv, w);
	options_command_parse(&c, argv.v);
	ck_assert_msg(c.class == OPTIONS_CLASS_REMOTE, "%s",
		      reason_text(c.reason));
	must(options_allowlist_make_flags(&flags, &c, &err));
	options_flags_release(&flags);
	options_command_release(&c);
	strv_release(&argv);
	free(copy);
}

TEST_RANGE(an_empty_or_option_like_source_name_is_rejected, 0, 4)
{
	static const char *const bad[] = { "", "-", "-x.c", "@x.c" };
	struct strv argv = { 0 };
	struct err err = { 0 };

	ck_assert_int_eq(options_allowlist_add_outputs(&argv, OPTIONS_LANG_C,
						       bad[_i], &outputs, &err),
			 -ENOTSUP);
	ck_assert_uint_eq(argv.n, 0);
}
