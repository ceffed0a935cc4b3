/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: base options */
/*
 * Command lines that would execute, write or read something on a node.  None
 * may be sent away, and a node may take none of their words, however name
 * and value are cut.
 */
#include "options/compile.h"
#include "options/typed.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A line's words are parted by '|'. */
static const char *const attacks[] = {
	/* run a program */
	"-wrapper|sh,-c,id",
	"-wrapper|/tmp/x",
	"--wrapper|/tmp/x",
	"-B|/tmp/evil",
	"-B/tmp/evil",
	"-B/tmp/evil/",
	"-B.",
	"--prefix=/tmp",
	"--prefix|/tmp",
	"-specs=/tmp/s",
	"-specs|/tmp/s",
	"--specs=/tmp/s",
	"--specs|/tmp/s",
	"@/tmp/args",
	"@args",
	"@",
	"-fplugin=/tmp/p.so",
	"-fplugin=p",
	"-fplugin-arg-p-x=y",
	"-fplugin|p",
	"-iplugindir=/tmp",
	"-fmodule-mapper=|X",
	"-fmodule-mapper=/tmp/sock",
	"-fmodules-ts",
	"-foffload=nvptx-none",
	"-foffload-options=-O3",
	"-no-integrated-cpp",
	"-no-canonical-prefixes",
	"-canonical-prefixes",
	"-load|x.so",
	"-Xclang|-load|-Xclang|/tmp/x.so",
	"-fpass-plugin=/tmp/x.so",
	"-mllvm|-load=/tmp/x.so",
	"--driver-mode=g++",
	"--config|/tmp/c",
	"-resource-dir|/tmp",
	"-gcc-toolchain|/tmp",
	"-fuse-ld=/tmp/ld|-r",
	"-cc1",
	"-cc1as",
	"-ccc-gcc-name|/tmp/gcc",
	"-ivfsoverlay|/tmp/v",
	"-fintegrated-cc1",
	"-Xpreprocessor|-fplugin=x",
	"-Wp,-fplugin=x",
	"-Wp,-specs=x",
	/* write a file */
	"-save-temps",
	"-save-temps=obj",
	"-save-temps=cwd",
	"--save-temps",
	"--save-temps=obj",
	"-dumpdir|/tmp/",
	"-dumpbase|/tmp/x",
	"-dumpbase-ext|.c",
	"--dumpdir|/tmp/",
	"--dumpbase|x",
	"--dumpbase-ext|.c",
	"-fdump-tree-all",
	"-fdump-tree-all=/tmp/x",
	"-fdump-rtl-all",
	"-fdump-ipa-all",
	"-fdump-go-spec=/tmp/x",
	"-fdump-final-insns=/tmp/x",
	"-fdump-passes",
	"-fdump-ada-spec",
	"-fdump-analyzer",
	"-da",
	"-dx",
	"-dP",
	"-dD",
	"-dM",
	"-dI",
	"-dU",
	"-aux-info|/tmp/x",
	"-aux-info=/tmp/x",
	"-auxbase|x",
	"-fopt-info",
	"-fopt-info-all=/tmp/x",
	"-fopt-info-vec-missed",
	"-fstack-usage",
	"-fcallgraph-info",
	"-fcallgraph-info=su,da",
	"-ftest-coverage",
	"-fprofile-arcs",
	"--coverage",
	"-coverage",
	"-fprofile-note=/tmp/x",
	"-fprofile-generate",
	"-fprofile-generate=/tmp",
	"-fprofile-dir=/tmp",
	"-fprofile-use=/tmp/x",
	"-fprofile-use",
	"-fprofile-update=atomic",
	"-fauto-profile=/tmp/x",
	"-fauto-profile",
	"-fbranch-probabilities",
	"-fprofile-sample-use=/x",
	"-fprofile-instr-generate=/x",
	"-fcs-profile-generate=/x",
	"-fcoverage-mapping",
	"-fcondition-coverage",
	"-fprofile-remapping-file=/x",
	"-fsave-optimization-record",
	"-fsave-optimization-record=yaml",
	"-foptimization-record-file=/tmp/x",
	"-gsplit-dwarf",
	"-gsplit-dwarf=single",
	"-fdiagnostics-format=json-file",
	"-fdiagnostics-format=sarif-file",
	"-fdiagnostics-add-output=sarif",
	"-fdiagnostics-set-output=sarif:file=/tmp/x",
	"-frepo",
	"-fvtable-verify=std",
	"-fvtv-debug",
	"-fvtv-counts",
	"-MJ|/tmp/x",
	"-serialize-diagnostics|/tmp/x",
	"-dependency-dot|/x",
	"-dependency-file|/tmp/x",
	"-fcrash-diagnostics-dir=/tmp",
	"-ftime-trace",
	"-fproc-stat-report=/tmp/x",
	"-freport-bug",
	"-flto-incremental=/tmp",
	"-emit-llvm",
	"--output-pch=/tmp/x",
	"-fcompare-debug",
	"-fdeps-file=/tmp/x",
	"-fdeps-format=p1689r5",
	/* the assembler's */
	"-Wa,-al=/tmp/x",
	"-Wa,-al",
	"-Wa,-a",
	"-Wa,-ahls=/tmp/x",
	"-Wa,--MD,/tmp/x",
	"-Wa,--MD=/tmp/x",
	"-Wa,-MD,/tmp/x",
	"-Wa,-MD",
	"-Wa,-o,/tmp/x",
	"-Wa,-I,/etc",
	"-Wa,-I/etc",
	"-Wa,@/tmp/x",
	"-Wa,",
	"-Wa,/etc/shadow",
	"-Wa,macros.s",
	"-Wa,--fatal-warnings,-al=/x",
	"-Wa,-al=/x,--fatal-warnings",
	"-Wa,--fatal-warnings,",
	"-Wa,,--warn",
	"-Wa,--defsym,x=1",
	"-Wa,-g",
	"-Wa,-gdwarf-5",
	"-Wa,--gstabs",
	"-Wa,--listing-cont-lines=3",
	"-Wa,--plugin,/tmp/x",
	"-Wa,--statistics",
	"-Wa,-v",
	"-Wa,--version",
	"-Wa,--help",
	"-Wa,-Z",
	"-Wa,--debug-prefix-map,a=b",
	"-Wa,-march=/etc/x",
	"-Wa,-mcpu=a b",
	"-Wa,--",
	"-Wa,-",
	"-Wa,-m",
	"-Wa,-m/etc",
	"-Wa,-mABC",
	"-Wa,--sectname-subst",
	"-Wa,-t,/tmp/x",
	"-Wa,-ahl=/x,-march=armv7-a",
	"-Xassembler|-al=/tmp/x",
	"-Xassembler|--MD|-Xassembler|/tmp/x",
	"-Xassembler|-MD",
	"-Xassembler|@x",
	"-ffile-prefix-map=@in.s",
	"-ffile-prefix-map=@in.s=x",
	"-fdebug-prefix-map=@in.s",
	"-fmacro-prefix-map=@in.s=",
	"-frandom-seed=@x",
	"--param|@x",
	"-Xassembler|/etc/shadow",
	"-Xassembler|-I",
	"-Xassembler|-o|-Xassembler|/tmp/x",
	"-Xassembler|-march=a,-al=x",
	"--for-assembler=-al=/x",
	"--for-assembler|-al",
	/* read a file */
	"-frandomize-layout-seed-file=/etc/x",
	"-fworking-directory",
	"-fsanitize-ignorelist=/etc/x",
	"-fsanitize-blacklist=/etc/x",
	"-fsanitize-coverage-allowlist=/x",
	"-include-pch|/x",
	"-fpch-preprocess",
	"-fpch-deps",
	"-fpreprocessed",
	"-fno-preprocessed",
	"-fdirectives-only",
	"-fno-directives-only",
	"-fexec-charset=../../x",
	"-finput-charset=x",
	"-fwide-exec-charset=UTF-32",
	"-fresolution=/tmp/x",
	"-fltrans",
	"-fltrans-output-list=/x",
	"-fwpa",
	"-fwpa=8",
	"-fself-test=/tmp",
	"-fembed-dir=/etc",
	"--embed-dir=/etc",
	"-fxray-attr-list=/x",
	"-fmodule-file=/x",
	"-fmodule-map-file=/x",
	"-fgimple",
	"-flto",
	"-flto=auto",
	"-flto=jobserver",
	"-flto=thin",
	/* this machine's, or switches that are recorded */
	"-march=native",
	"-mtune=native",
	"-mcpu=native",
	"-mcpu=native+crypto",
	"-frecord-gcc-switches",
	"-grecord-gcc-switches",
	"-g",
	"-g3",
	"-ggdb",
	"-gdwarf-5",
	"-gtoggle",
	"-g0|-g",
	"-gz",
	/* not what the table knows */
	"-fnonsense",
	"-mnonsense",
	"-O2/x",
	"-O../x",
	"-std=a/b",
	"-mabi=/etc/x",
	"-falign-functions=x",
	"--param|x=/etc",
	"--param=../x",
	"-Wfoo,bar",
	"-W/etc",
	"-Wno-x y",
	"-fvisibility=/x",
	"-Q",
	"-v",
	"-time",
	"-H",
	"-C",
	"-CC",
	"-P",
	"-traditional",
	"-traditional-cpp",
	"-Wp,-MD",
	"-Wp,-MD,",
	"-Wp,-v",
	"-Wp,-dM",
	"-Wp,-P",
	"-Wp,-",
	"-Wp,-I",
	"-Wp,-include,x",
	"-Wp,",
	"-MG",
	"-Xpreprocessor|-DX",
	"-fdbg-cnt=x:1",
	"-fdisable-tree-x",
	"-fenable-rtl-y",
	"-fchecking=2",
	"-ftime-report",
	"-fmem-report",
	"-lang-asm",
	"-quiet",
	"-version",
	"-fmacro-prefix-map=a\nb=c",
	"-ffile-prefix-map=a\x01=b",
	"-frandom-seed=a\tb",
	"--",
	"--param",
	"-remap",
	"-shared",
	"-static",
	"--verb",
	"--outp=x",
	"--save",
	"-mdebug=all",
	"-mdebug",
};

/* The build host's own, and no harm there; never a node's. */
static const char *const build_host_only[] = {
	"-o|../../x",
	"-o../x",
	"-MD",
	"-MMD|-MF|/tmp/x",
	"-MMD|-MF/tmp/x",
	"-MD|-MT|x",
	"-MD|-MQ|x",
	"-MD|-MP",
	"-Wp,-MMD,/tmp/x",
	"-Wp,-MD,x",
	"-Wp,-DX",
	"-Wp,-UX",
	"-Wp,-Ix",
	"-I|/etc",
	"-I/etc",
	"-DX=1",
	"-D|X",
	"-UX",
	"-include|/etc/shadow",
	"-include/etc/shadow",
	"-imacros|x",
	"-isystem|/x",
	"-idirafter|/x",
	"-iquote|/x",
	"-iprefix|/x",
	"-iwithprefix|x",
	"-isysroot|/x",
	"--sysroot=/x",
	"--sysroot|/x",
	"-nostdinc",
	"-undef",
	"-Aa=b",
	"-pthread",
	"-Wl,-rpath,/x",
	"-Wl,--version",
	"-Xlinker|-x",
	"-L/x",
	"-lx",
	"-T|/x",
	"-fuse-ld=x",
	"-x|c",
	"-xc",
	"-c",
	"-F/x",
	"-g|-g0",
	"-no-pie",
	"-u|x",
};

#define LENGTH(a) (sizeof(a) / sizeof((a)[0]))

static void split(struct strv *words, const char *line)
{
	for (;;) {
		size_t n = strcspn(line, "|");

		/* "=|X" is gcc's own way to name a program to run */
		if (n && line[n] && line[n - 1] == '=')
			n += 1 + strcspn(line + n + 1, "|");
		strv_own(words, xstrndup(line, n));
		if (!line[n])
			return;
		line += n + 1;
	}
}

static enum options_verdict verdict_of(const struct strv *words, bool first)
{
	struct options_compile c;
	struct strv argv = { 0 };

	strv_add(&argv, "gcc");
	if (first)
		strv_add_all(&argv, words->v);
	strv_add(&argv, "-c");
	strv_add(&argv, "-O2");
	strv_add(&argv, "in.c");
	if (!first)
		strv_add_all(&argv, words->v);
	options_compile_parse(&c, argv.v);
	strv_release(&argv);
	return c.verdict;
}

START_TEST(no_attack_is_sent_away)
{
	struct strv words = { 0 };

	split(&words, attacks[_i]);
	ck_assert_msg(verdict_of(&words, true) != OPTIONS_AWAY, "%s",
		      attacks[_i]);
	ck_assert_msg(verdict_of(&words, false) != OPTIONS_AWAY, "%s",
		      attacks[_i]);
	strv_release(&words);
}
END_TEST

static void refused(const char *line, const char *name, const char *value)
{
	struct strv argv = { 0 };
	struct err err = { 0 };
	int ret = options_typed_allow(&argv, name, value, &err);

	ck_assert_msg(ret == -ENOTSUP, "%s: allowed '%s' '%s'", line, name,
		      value ? value : "(null)");
	ck_assert_str_ne(err.text, "");
	ck_assert_uint_eq(argv.n, 0);
	strv_release(&argv);
}

static void refused_however_cut(const char *line, const char *word)
{
	refused(line, word, NULL);
	for (size_t i = 0; i <= strlen(word); i++) {
		char *name = xstrndup(word, i);

		refused(line, name, word + i);
		free(name);
	}
}

static void refused_by_the_node(const char *line)
{
	struct strv words = { 0 };

	split(&words, line);
	/* "-g -g0" is of words that are nothing alone. */
	for (size_t i = 0; i < words.n; i++) {
		refused_however_cut(line, words.v[i]);
		if (i + 1 < words.n)
			refused(line, words.v[i], words.v[i + 1]);
	}
	strv_release(&words);
}

START_TEST(a_node_takes_no_attack)
{
	refused_by_the_node(attacks[_i]);
}
END_TEST

START_TEST(a_node_takes_nothing_of_the_build_hosts)
{
	struct strv words = { 0 };

	split(&words, build_host_only[_i]);
	ck_assert_msg(verdict_of(&words, true) == OPTIONS_AWAY, "%s",
		      build_host_only[_i]);
	strv_release(&words);
	refused_by_the_node(build_host_only[_i]);
}
END_TEST

START_TEST(a_name_is_not_made_of_two)
{
	/* name, value: together another option, or several words */
	static const char *const pairs[][2] = {
		{ "-W", "a,-al=/tmp/x" },
		{ "-W", "p,-MD,x" },
		{ "-W", "l,-x" },
		{ "-march=", "native" },
		{ "-mtune=", "native" },
		{ "-f", "plugin=x" },
		{ "-m", "arch=native" },
		{ "-O", "2 -fplugin=x" },
		{ "-fno-common", "x" },
		{ "-fno-common", "=x" },
		{ "-std=", "" },
		{ "--param", "" },
		{ "--param", "-fplugin=x" },
		{ "--param", "@x" },
		{ "", "" },
		{ "", "-fno-common" },
		{ "-", "" },
		{ "x", "" },
		{ "in.c", "" },
		{ "/etc/shadow", "" },
		{ "-G", "" },
		{ "-G", "x" },
		{ "-Wa,", "-al" },
		{ "-Wa,", "" },
		{ "-Xassembler", "" },
		{ "-fmacro-prefix-map=", "" },
	};

	refused("pair", pairs[_i][0], pairs[_i][1]);
}
END_TEST

START_TEST(a_value_has_a_limit)
{
	char *long_value = xmalloc(5000);

	memset(long_value, 'a', 4999);
	long_value[4999] = '\0';
	refused("long", "-fmacro-prefix-map=", long_value);
	refused("long", "-W", long_value);
	memcpy(long_value, "-m", 2);
	refused("long", "-Wa,", long_value);
	free(long_value);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("options/attacks");
	TCase *tc = tcase_create("core");
	SRunner *sr;
	int failed;

	tcase_add_loop_test(tc, no_attack_is_sent_away, 0, LENGTH(attacks));
	tcase_add_loop_test(tc, a_node_takes_no_attack, 0, LENGTH(attacks));
	tcase_add_loop_test(tc, a_node_takes_nothing_of_the_build_hosts, 0,
			    LENGTH(build_host_only));
	tcase_add_loop_test(tc, a_name_is_not_made_of_two, 0, 26);
	tcase_add_test(tc, a_value_has_a_limit);
	suite_add_tcase(s, tc);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
