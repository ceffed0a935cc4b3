/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "scan/query.h"

#include "scan/pragma-options.h"

#include "base/fs.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The caller's environment, with messages in English. */
static void environment(struct strv *out, char *const *env)
{
	for (; env && *env; env++) {
		if (!str_starts(*env, "LC_ALL=") &&
		    !str_starts(*env, "LANGUAGE="))
			strv_add(out, *env);
	}
	strv_add(out, "LC_ALL=C");
}

static void command(struct strv *argv, const struct scan_unit *unit,
		    const struct scan_line *line, enum scan_query what,
		    const char *source)
{
	static const char *const mode[] = {
		[SCAN_QUERY_MACROS] = "-dD",
		[SCAN_QUERY_DIRS] = "-v",
		[SCAN_QUERY_OPERATORS] = "-P",
	};
	static const char *const compile[] = { "-S",       "-o",
					       "-",        "-gdwarf-2",
					       "-g3",      "-gstrict-dwarf",
					       "-fno-lto", "-w" };

	strv_add(argv, unit->compiler);
	strv_add_all(argv, strv_list(&line->flags));
	if (what != SCAN_QUERY_DIRS)
		strv_add(argv, "-nostdinc");
	for (size_t i = 0; what == SCAN_QUERY_OPTIONS &&
			   i < sizeof(compile) / sizeof(compile[0]);
	     i++)
		strv_add(argv, compile[i]);
	if (what != SCAN_QUERY_OPTIONS) {
		strv_add(argv, mode[what]);
		strv_add(argv, "-E");
	}
	strv_add(argv, "-x");
	strv_add(argv, line->mode & SCAN_ASM ? "assembler-with-cpp" : "c");
	strv_add(argv, source);
}

static int write_source(const struct buf *source, char **path, struct err *err)
{
	const char *dir = getenv("TMPDIR");
	int fd, ret;

	*path = xasprintf("%s/kfarm-scan-XXXXXX",
			  dir && *dir == '/' ? dir : "/tmp");
	fd = mkstemp(*path);
	if (fd < 0) {
		ret = err_errno(err, "make %s", *path);
		free(*path);
		*path = NULL;
		return ret;
	}
	ret = fs_write_all(fd, buf_bytes(source));
	close(fd);
	return ret;
}

static void add_operators(struct buf *source, const struct strv *keys)
{
	for (size_t i = 0; i < keys->n; i++) {
		const char *key = keys->v[i], *text = strchr(key, ' ');
		int len = (int)(text - key);

		buf_printf(source,
			   "#ifdef %.*s\nKFARM op %zu %.*s(%s)\n#endif\n", len,
			   key, i, len, key, text + 1);
	}
}

/* What the compiler reads. */
static void make_source(struct buf *source, enum scan_query what,
			const struct scan_names *names, const struct strv *keys)
{
	for (uint32_t w = WORD_FILE; what == SCAN_QUERY_MACROS && w < WORDS;
	     w++)
		buf_printf(source, "#ifdef %s\nKFARM has %u\n#endif\n",
			   scan_name(names, w)->s, w);
	if (what == SCAN_QUERY_OPTIONS)
		scan_options_source(source, keys);
	else if (what != SCAN_QUERY_DIRS)
		add_operators(source, keys);
	/* Inside a raw string this is text. */
	if (what == SCAN_QUERY_MACROS)
		buf_add_str(source, "#define KFARM_RAW\n"
				    "char *s = R\"(\n#undef KFARM_RAW\n)\";\n"
				    "#ifndef KFARM_RAW\nKFARM has 0\n#endif\n");
}

static void read_operator(const char *line, const struct strv *keys,
			  struct buf *answer)
{
	char op[64], text[256];
	long long value;
	size_t i;

	if (sscanf(line, "KFARM op %zu %lld", &i, &value) == 2 && i < keys->n &&
	    sscanf(keys->v[i], "%63s %255[^\n]", op, text) == 2)
		buf_printf(answer, "op %s %lld %s\n", op, value, text);
}

static void read_output(const char *said, const struct strv *keys,
			struct buf *answer)
{
	const char *end;

	for (; *said; said = end) {
		end = strchrnul(said, '\n');
		end += *end == '\n';
		if (str_starts(said, "KFARM has "))
			buf_add(answer, said + strlen("KFARM "),
				(size_t)(end - said) - strlen("KFARM "));
		else if (str_starts(said, "KFARM op "))
			read_operator(said, keys, answer);
		else if ((str_starts(said, "#define ") ||
			  str_starts(said, "#undef ")) &&
			 !memmem(said, (size_t)(end - said), "KFARM_RAW", 9))
			buf_add(answer, said, (size_t)(end - said));
	}
}

/* -EPROTO: there is no list in it. */
static int read_dirs(const char *said, struct buf *answer)
{
	static const char ignored[] = "ignoring nonexistent directory \"";
	bool inside = false, ended = false;
	const char *s, *end;

	buf_add_str(answer, "dirs\n");
	for (s = said; *s; s = *end ? end + 1 : end) {
		size_t len;

		end = strchrnul(s, '\n');
		len = (size_t)(end - s);
		if (str_starts(s, ignored) && s[len - 1] == '"')
			buf_printf(answer, "N %.*s\n",
				   (int)(len - sizeof(ignored)),
				   s + sizeof(ignored) - 1);
		else if (str_starts(s, "#include <...>"))
			inside = true;
		else if (str_starts(s, "End of search list"))
			ended = inside, inside = false;
		else if (inside && *s == ' ')
			buf_printf(answer, "D %.*s\n", (int)(len - 1), s + 1);
	}
	return ended ? 0 : -EPROTO;
}

/* Each line of what changes gets a + in place of its #. */
static int read_options(const char *said, const struct strv *pragmas,
			struct buf *answer, struct err *err)
{
	struct buf changes = { 0 };
	char *key = scan_options_key(pragmas);
	int ret = scan_options_read(said, &changes);
	const char *s, *end;

	if (ret)
		err_set(err, -ret, "no list of macros in its output");
	buf_printf(answer, "pragmas %s\n", key);
	for (s = buf_str(&changes); *s; s = end) {
		end = strchrnul(s, '\n');
		end += *end == '\n';
		buf_printf(answer, "+%.*s", (int)(end - s - 1), s + 1);
	}
	free(key);
	buf_release(&changes);
	return ret;
}

int scan_query(const struct scan_setup *setup, const struct scan_unit *unit,
	       const struct scan_line *line, const struct scan_names *names,
	       enum scan_query what, const struct strv *keys,
	       struct buf *answer, struct err *err)
{
	struct buf source = { 0 }, out = { 0 }, err_out = { 0 };
	struct strv argv = { 0 }, env = { 0 };
	char *path = NULL;
	int ret = 0;

	if (!setup->ask)
		return err_set(err, ENOTSUP, "nobody to ask");
	make_source(&source, what, names, keys);
	if (source.len)
		ret = write_source(&source, &path, err);
	if (!ret) {
		environment(&env, unit->env);
		command(&argv, unit, line, what, path ? path : "/dev/null");
		ret = setup->ask(setup->ctx, unit->cwd, argv.v, env.v, &out,
				 &err_out, err);
	}
	if (!ret && what == SCAN_QUERY_DIRS)
		ret = read_dirs(buf_str(&err_out), answer);
	else if (!ret && what == SCAN_QUERY_OPTIONS)
		ret = read_options(buf_str(&out), keys, answer, err);
	else if (!ret)
		read_output(buf_str(&out), keys, answer);
	if (path)
		unlink(path);
	free(path);
	buf_release(&source);
	buf_release(&out);
	buf_release(&err_out);
	strv_release(&argv);
	strv_release(&env);
	return ret;
}

/* What Linux asks for, so that one start of a compiler answers most. */
static const char *const linux_asks[] = {
	"__has_attribute __alias__",
	"__has_attribute __assume_aligned__",
	"__has_attribute __cleanup__",
	"__has_attribute __cold__",
	"__has_attribute __copy__",
	"__has_attribute __counted_by__",
	"__has_attribute __designated_init__",
	"__has_attribute __diagnose_as_builtin__",
	"__has_attribute __disable_sanitizer_instrumentation__",
	"__has_attribute __error__",
	"__has_attribute __externally_visible__",
	"__has_attribute __fallthrough__",
	"__has_attribute __flag_enum__",
	"__has_attribute __no_caller_saved_registers__",
	"__has_attribute __no_profile_instrument_function__",
	"__has_attribute __no_sanitize_address__",
	"__has_attribute __no_sanitize_coverage__",
	"__has_attribute __no_sanitize_memory__",
	"__has_attribute __no_sanitize_thread__",
	"__has_attribute __no_sanitize_undefined__",
	"__has_attribute __no_stack_protector__",
	"__has_attribute __noclone__",
	"__has_attribute __nonstring__",
	"__has_attribute __noscs__",
	"__has_attribute __optimize__",
	"__has_attribute __overloadable__",
	"__has_attribute __pass_dynamic_object_size__",
	"__has_attribute __pass_object_size__",
	"__has_attribute __preserve_most__",
	"__has_attribute __uninitialized__",
	"__has_attribute __warning__",
	"__has_attribute __zero_call_used_regs__",
	"__has_attribute btf_decl_tag",
	"__has_attribute btf_type_tag",
	"__has_attribute disable_sanitizer_instrumentation",
	"__has_attribute disable_tail_calls",
	"__has_attribute noipa",
	"__has_attribute warn_unused_result",
	"__has_builtin __builtin_add_overflow",
	"__has_builtin __builtin_bswap16",
	"__has_builtin __builtin_constant_p",
	"__has_builtin __builtin_counted_by_ref",
	"__has_builtin __builtin_dynamic_object_size",
	"__has_builtin __builtin_mul_overflow",
	"__has_builtin __builtin_typeof_unqual",
	"__has_builtin __builtin_types_compatible_p",
	"__has_builtin __builtin_unreachable",
	"__has_builtin __builtin_va_arg_pack",
	"__has_feature address_sanitizer",
	"__has_feature coverage_sanitizer",
	"__has_feature cxx_rtti",
	"__has_feature hwaddress_sanitizer",
	"__has_feature kcfi",
	"__has_feature memory_sanitizer",
	"__has_feature modules",
	"__has_feature safe_stack",
	"__has_feature shadow_call_stack",
	"__has_feature thread_sanitizer",
	"__has_feature undefined_behavior_sanitizer",
};

void scan_query_wanted(struct strv *keys)
{
	for (size_t i = 0; i < sizeof(linux_asks) / sizeof(linux_asks[0]); i++)
		strv_add(keys, linux_asks[i]);
}

static bool is_name(char c)
{
	return c == '_' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
	       (c >= 'A' && c <= 'Z');
}

/* "( WORD )" at `s`: WORD's length, with *word; 0 for anything else. */
static size_t operator_operand(const char *s, const char *end,
			       const char **word)
{
	const char *after;

	while (s < end && *s == ' ')
		s++;
	if (s == end || *s++ != '(')
		return 0;
	while (s < end && *s == ' ')
		s++;
	for (after = s; after < end && is_name(*after); after++)
		;
	*word = s;
	return after < end && *after == ')' ? (size_t)(after - s) : 0;
}

/* glibc's have names of their own: __glibc_has_attribute (__nothrow__). */
void scan_query_harvest(struct strv *keys, const char *s, size_t len)
{
	static const char *const ops[] = { "has_attribute", "has_c_attribute",
					   "has_builtin", "has_feature",
					   "has_extension" };
	const char *end = s + len, *word;

	for (; s < end && (s = memmem(s, (size_t)(end - s), "has_", 4));
	     s += 4) {
		for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i++) {
			size_t op = strlen(ops[i]), n;
			char *key;

			if ((size_t)(end - s) <= op || memcmp(s, ops[i], op) ||
			    !(n = operator_operand(s + op, end, &word)))
				continue;
			key = xasprintf("__%s %.*s", ops[i], (int)n, word);
			if (strv_has(keys, key))
				free(key);
			else
				strv_own(keys, key);
		}
	}
}
