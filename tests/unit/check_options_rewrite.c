/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: options */
/* san: long */
/*
 * Rewritten outputs with the real compilers.  Each unit is compiled twice, the
 * second time to other outputs.  The objects and the depfiles must be
 * byte-identical.
 */
#include "../lib/test.h"
#include "base/which.h"
#include "options-proof.h"
#include "options/command.h"
#include "options/rewrite.h"

static const char *const compilers[] = {
	"gcc",
	"aarch64-linux-gnu-gcc",
	"arm-linux-gnueabihf-gcc",
	"riscv64-linux-gnu-gcc",
	"clang",
	NULL,
};

static const struct proof_file files[] = {
	{ "plain.c", "#include \"h/a.h\"\n"
		     "int table[] = { ONE, TWO(3), sizeof(struct a) };\n"
		     "int f(int x) { return x * table[1] + (int)SIZE; }\n"
		     "static int unused;\n"
		     "const char *where(void) { return __FILE__ \" \" "
		     "STRING(ONE); }\n"
		     "int line(void) { return __LINE__; }\n"
		     "int g(int x)\n{\n\tswitch (x) {\n\tcase 1:\n"
		     "\t\tx++;\n\t\t/* fallthrough */\n\tcase 2:\n"
		     "\t\tx += 2;\n\t}\n\treturn __COUNTER__ + x;\n}\n"
		     "#pragma GCC visibility push(hidden)\n"
		     "int hidden_one(void) { return 1; }\n"
		     "#pragma GCC visibility pop\n" },
	{ "asm.c", "#include <stddef.h>\n"
		   "#define NAME(x) #x\n"
		   "asm(\".globl mark\\nmark:\\n\\t.long \" NAME(__LINE__));\n"
		   "#ifdef __OPTIMIZE__\nint opt = 1;\n#endif\n"
		   "#ifdef _REENTRANT\nint threads = 1;\n#endif\n"
		   "#ifdef GIVEN\nint given = GIVEN;\n#endif\n"
		   "double d(double a) { return a / 3.0 + 1e100; }\n"
		   "void *p(size_t n) { char b[n]; b[0] = 1; "
		   "return __builtin_memchr(b, 1, n); }\n" },
	{ "start.S", "#include \"h/a.h\"\n"
		     "#define RET(n) .long n\n"
		     "\t.text\n\t.globl start\nstart:\n\tRET(ONE)\n"
		     "#ifdef __PIC__\n\t.long 7\n#endif\n"
		     "\t.section .rodata\n\t.string \"a # b\"\n"
		     "#ifdef GIVEN\n\t.long GIVEN\n#endif\n" },
	{ "odd name, \xc3\xa4.c", "#include \"h/b,c.h\"\nint odd = COMMA;\n" },
	{ "h/a.h", "#ifndef A_H\n#define A_H\n#define ONE 1\n"
		   "#define TWO(x) ((x) + 2)\n#define STRING_(x) #x\n"
		   "#define STRING(x) STRING_(x)\n#define SIZE 17\n"
		   "#ifndef __ASSEMBLER__\n"
		   "struct a { char c; long l; };\n#endif\n#endif\n" },
	{ "h/b,c.h", "#define COMMA 3\n" },
	{ "h/inc.h", "#define INCLUDED 1\nstatic inline int inc(void) "
		     "{ return 4; }\n" },
};

/* Command lines with "%o" for the object and "%d" for its depfile. */
static const char *const lines[] = {
	"-c plain.c -o %o",
	"-O2 -c -o %o plain.c",
	"-Wp,-MMD,%d -O2 -Wall -std=gnu11 -c -o %o plain.c",
	"-Wp,-MD,%d,-MT,some/thing.o -Ih -O2 -c -o %o asm.c",
	"-Wp,-MD,%d -Wp,-MT,that.o -DGIVEN=3 -O2 -c -o %o asm.c",
	"-Wp,-MMD,%d,-DGIVEN=5,-MP -O1 -c -o %o asm.c",
	"-MD -c -o %o plain.c",
	"-MMD -c plain.c -o %o",
	"-MMD -MF %d -c plain.c -o %o",
	"-MD -MF%d -MP -c plain.c -o %o",
	"-MD -MF %d -MT x.o -MT y.o -c plain.c -o %o",
	"-MD -MF %d -MQ a$b.o -c plain.c -o %o",
	"-MMD -MTjoined.o -c plain.c -o %o",
	"-MD -c plain.c",
	"-MMD -O2 -c start.S",
	"-MD -c -o %o start.S",
	"-Wp,-MMD,%d -D__ASSEMBLY__ -DGIVEN=9 -c -o %o start.S",
	"-fPIC -D__ASSEMBLY__ -Wa,--fatal-warnings -c -o %o start.S",
	"-g -g0 -Os -c -o %o plain.c",
	"-Os -ffunction-sections -fdata-sections -fno-common -c -o %o plain.c",
	"-O2 -fno-strict-aliasing -fno-PIE -fno-asynchronous-unwind-tables "
	"-fno-delete-null-pointer-checks -fstack-protector-strong "
	"-fomit-frame-pointer -ftrivial-auto-var-init=zero -Wundef "
	"-Werror=implicit-int --param allow-store-data-races=0 "
	"-Wframe-larger-than=2048 -c -o %o plain.c",
	"-O2 -fmacro-prefix-map=plain=other -c -o %o plain.c",
	"-O2 -ffile-prefix-map=./= -frandom-seed=abc -c -o %o ./plain.c",
	"-O2 -fno-lto -frandom-seed=1 -c -o %o plain.c",
	"-pthread -O2 -c -o %o asm.c",
	"-pipe -O3 -fno-builtin -ffast-math -c -o %o asm.c",
	"-O2 -include h/inc.h -imacros h/a.h -nostdinc -c -o %o plain.c",
	"-O2 -pg -fno-inline -c -o %o plain.c",
	"-fsanitize=undefined -O1 -c -o %o plain.c",
	"-fsanitize=kernel-address -fasan-shadow-offset=0xdf0000 "
	"--param=asan-stack=1 -O1 -c -o %o asm.c",
	"-fpatchable-function-entry=4,2 -O2 -c -o %o plain.c",
	"-std=c99 -pedantic -trigraphs -O2 -c -o %o plain.c",
	"-ansi -w -c -o %o asm.c",
	"-x c -O2 -c plain.c -o %o",
	"-xassembler-with-cpp -c start.S -o %o",
	"-fno-ident -fverbose-asm -fshort-wchar -funsigned-char -c -o %o asm.c",
	"-finstrument-functions -finstrument-functions-exclude-file-list=h/ "
	"-O2 -c -o %o plain.c",
	"-fvisibility=hidden -fpic -no-pie -rdynamic -lm -c -o %o plain.c",
};

static void setup(void)
{
	proof_setup(files, sizeof(files) / sizeof(*files));
}

static void verify_rewritten_outputs(const struct strv *argv, const char *line,
				     const struct options_command *c,
				     const char *dep)
{
	struct strv other = { 0 };

	unlink("out/dep,tmp");
	options_rewrite_outputs(&other, c, argv->v[0], "out/obj,tmp",
				dep ? "out/dep,tmp" : NULL);
	ck_assert_msg(proof_run(&other, NULL, STDOUT_FILENO, NULL),
		      "%s: outputs", line);
	proof_same(line, "object", "want.o", "out/obj,tmp");
	if (dep)
		proof_same(line, "dependency list", "want.d", "out/dep,tmp");
	strv_release(&other);
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
	/* clang ignores -MD in a -Wp, option with several words. */
	if (proof_run(argv, NULL, STDOUT_FILENO, NULL) &&
	    (!c.is_clang || !dep || fs_exists(dep))) {
		ck_assert_int_eq(rename(object, "want.o"), 0);
		if (dep)
			ck_assert_msg(!rename(dep, "want.d"), "%s: %s", line,
				      dep);
		verify_rewritten_outputs(argv, line, &c, dep);
		ck_assert(!fs_exists(object) && !(dep && fs_exists(dep)));
	}
	options_command_release(&c);
	free(object);
	free(dep);
}

static void verify_all(const char *compiler)
{
	static const char *const objects[] = { "out/x.o", "y.dir.o", "noext" };
	unsigned n = 0;

	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		struct strv argv = { 0 };

		proof_split(
			&argv, compiler, lines[i],
			objects[n++ % (sizeof(objects) / sizeof(*objects))]);
		verify(&argv, lines[i]);
		strv_release(&argv);
	}
}

FIXTURE(setup, proof_teardown);
TIMEOUT(120);

TEST_RANGE(a_rewritten_line_yields_identical_objects_and_depfiles, 0,
	   sizeof(compilers) / sizeof(*compilers) - 1)
{
	char *path = find_compiler(compilers[_i]);

	if (path)
		verify_all(path);
	free(path);
}

TEST(an_unusual_file_name_yields_identical_objects_and_depfiles)
{
	char *path = find_compiler("gcc");
	char *words[] = { path, "-MD",         "-c", (char *)files[3].name,
			  "-o", "out/o d,d.o", NULL };
	struct strv argv = { 0 };

	if (path) {
		strv_add_all(&argv, words);
		verify(&argv, "odd name");
		strv_release(&argv);
	}
	free(path);
}

static char *object_format_words(char *const *argv)
{
	struct options_command c;
	struct strv out = { 0 };
	char *s;

	options_command_parse(&c, argv);
	options_rewrite_object_format(&out, &c);
	options_command_release(&c);
	s = strv_join(&out, " ");
	strv_release(&out);
	return s;
}

static char *outputs_words(char *const *argv, const char *dep)
{
	struct options_command c;
	struct strv out = { 0 };
	char *s;

	options_command_parse(&c, argv);
	options_rewrite_outputs(&out, &c, "/bin/gcc", "d/.t.o.7", dep);
	options_command_release(&c);
	s = strv_join(&out, " ");
	strv_release(&out);
	return s;
}

TIMEOUT(0);

TEST(the_rewritten_line_has_another_object_and_depfile)
{
	char *argv[] = { "gcc",       "-Wp,-MMD,d/.t.o.d,-DA=1",
			 "-nostdinc", "-Iinc",
			 "-O2",       "-c",
			 "-o",        "d/t.o",
			 "t.c",       NULL };
	char *argv2[] = { "gcc", "-MD",     "-MF", "x.d",
			  "-c",  "-od/t.o", "-x",  "assembler-with-cpp",
			  "t",   NULL };
	char *s = outputs_words(argv, "d/.t.d.7");

	ck_assert_str_eq(s, "/bin/gcc -Xpreprocessor -MMD -Xpreprocessor "
			    "d/.t.d.7 -Xpreprocessor -DA=1 -nostdinc -Iinc "
			    "-O2 -c t.c -o d/.t.o.7");
	free(s);
	s = outputs_words(argv2, "d/.t.d.7");
	ck_assert_str_eq(s, "/bin/gcc -MD -c -x assembler-with-cpp t "
			    "-MF d/.t.d.7 -MQ d/t.o -o d/.t.o.7");
	free(s);
}

TEST(without_a_depfile_name_the_depfile_options_are_dropped)
{
	char *argv[] = { "gcc",     "-MD", "-MF", "x.d", "-MT", "y",
			 "-Wp,-MP", "-c",  "-o",  "t.o", "t.c", NULL };
	char *s = outputs_words(argv, NULL);

	ck_assert_str_eq(s, "/bin/gcc -c t.c -o d/.t.o.7");
	free(s);
}

TEST(only_options_of_the_object_format_are_copied)
{
	char *argv[] = { "gcc",      "-m16",  "-O2",          "-march=i386",
			 "-fno-lto", "-msse", "-mbig-endian", "-Wall",
			 "-DX=-m32", "-c",    "t.c",          NULL };
	char *s = object_format_words(argv);

	ck_assert_str_eq(s, "-m16 -march=i386 -fno-lto -mbig-endian");
	free(s);
}

/*
 * Without -fno-pic, a gcc that makes position-independent code by default
 * rejects -mno-abicalls.
 */
TEST(options_of_position_independence_are_copied)
{
	char *argv[] = { "gcc",      "-mno-abicalls", "-fno-pic",
			 "-fno-PIC", "-fpie",         "-fPIE",
			 "-fno-pie", "-fno-PIE",      "-fno-pch",
			 "-c",       "t.c",           NULL };
	char *s = object_format_words(argv);

	ck_assert_str_eq(s, "-mno-abicalls -fno-pic -fno-PIC -fpie -fPIE "
			    "-fno-pie -fno-PIE");
	free(s);
}

TEST(lto_options_and_a_seed_are_copied_for_c_but_not_for_assembler)
{
	char *c[] = { "gcc", "-flto=auto", "-ffat-lto-objects", "-O2", "-c",
		      "t.c", NULL };
	char *asm_[] = { "gcc", "-flto=auto", "-m32", "-c", "t.S", NULL };
	char *s = object_format_words(c);

	ck_assert_str_eq(s, "-flto=auto -ffat-lto-objects -frandom-seed=kfarm");
	free(s);
	s = object_format_words(asm_);
	ck_assert_str_eq(s, "-m32");
	free(s);
}

TEST(the_target_of_clang_is_an_object_format_option)
{
	char *argv[] = { "clang", "--target=aarch64-linux-gnu",
			 "-Oz",   "-DX=--target=",
			 "-c",    "t.c",
			 NULL };
	char *s = object_format_words(argv);

	ck_assert_str_eq(s, "--target=aarch64-linux-gnu");
	free(s);
}
