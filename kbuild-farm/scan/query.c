/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "scan/query.h"

#include "base/fs.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HAS "KFARM_HAS_"

void scan_query_release(struct scan_query *q)
{
	buf_release(&q->source);
	strv_release(&q->keys);
}

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
		    const struct scan_line *line, enum scan_query_kind what,
		    const char *source)
{
	static const char *const mode[] = {
		[SCAN_QUERY_MACROS] = "-dM",
		[SCAN_QUERY_DIRS] = "-v",
		[SCAN_QUERY_OPERATORS] = "-P",
	};

	strv_add(argv, unit->compiler);
	strv_add_all(argv, line->flags.v ? line->flags.v : (char *[]){ NULL });
	if (what != SCAN_QUERY_DIRS)
		strv_add(argv, "-nostdinc");
	strv_add(argv, mode[what]);
	strv_add(argv, "-E");
	strv_add(argv, "-x");
	strv_add(argv, line->mode & SCAN_ASM ? "assembler-with-cpp" : "c");
	strv_add(argv, source);
}

static int write_source(const struct scan_query *q, char **path,
			struct err *err)
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
	ret = fs_write_all(fd, buf_bytes(&q->source));
	close(fd);
	return ret;
}

int scan_query_run(const struct scan_setup *setup, const struct scan_unit *unit,
		   const struct scan_line *line, const struct scan_query *q,
		   struct buf *out, struct buf *err_out, struct err *err)
{
	struct strv argv = { 0 }, env = { 0 };
	char *path = NULL;
	int ret = 0;

	if (!setup->ask)
		return err_set(err, ENOTSUP, "nobody to ask");
	if (q->source.len)
		ret = write_source(q, &path, err);
	if (!ret) {
		environment(&env, unit->env);
		command(&argv, unit, line, q->what, path ? path : "/dev/null");
		ret = setup->ask(setup->ctx, unit->cwd, argv.v, env.v, out,
				 err_out, err);
	}
	if (path)
		unlink(path);
	free(path);
	strv_release(&argv);
	strv_release(&env);
	return ret;
}

void scan_query_macros(struct scan_query *q, const struct scan_names *names)
{
	for (uint32_t w = WORD_FILE; w < WORDS; w++) {
		const char *s = scan_name(names, w)->s;

		buf_printf(&q->source,
			   "#ifdef %s\n#define " HAS "%u 1\n#endif\n", s, w);
	}
	/* Inside a raw string this is text. */
	buf_add_str(&q->source, "char *s = R\"(\n#define " HAS "0 1\n)\";\n");
}

void scan_query_take_builtins(struct buf *answer, bool has[static WORDS])
{
	struct buf out = { 0 };
	const char *s = buf_str(answer), *end;

	for (; *s; s = end) {
		unsigned w;

		end = strchrnul(s, '\n');
		end += *end == '\n';
		if (!str_starts(s, "#define " HAS) ||
		    sscanf(s, "#define " HAS "%u 1", &w) != 1)
			buf_add(&out, s, (size_t)(end - s));
		else if (w < WORDS)
			has[w] = true;
	}
	buf_release(answer);
	*answer = out;
}

int scan_query_dirs(const char *said, struct buf *out)
{
	static const char ignored[] = "ignoring nonexistent directory \"";
	bool inside = false, ended = false;
	const char *s, *end;

	for (s = said; *s; s = *end ? end + 1 : end) {
		size_t len;

		end = strchrnul(s, '\n');
		len = (size_t)(end - s);
		if (str_starts(s, ignored) && s[len - 1] == '"')
			buf_printf(out, "N %.*s\n",
				   (int)(len - sizeof(ignored)),
				   s + sizeof(ignored) - 1);
		else if (str_starts(s, "#include <...>"))
			inside = true;
		else if (str_starts(s, "End of search list"))
			ended = inside, inside = false;
		else if (inside && *s == ' ')
			buf_printf(out, "D %.*s\n", (int)(len - 1), s + 1);
	}
	return ended ? 0 : -EPROTO;
}

void scan_query_take_dirs(const char *text, struct strv *dirs,
			  struct strv *absent)
{
	const char *end;

	for (; *text; text = *end ? end + 1 : end) {
		end = strchrnul(text, '\n');
		if (end - text > 2)
			strv_own(*text == 'D' ? dirs : absent,
				 xstrndup(text + 2, (size_t)(end - text - 2)));
	}
}

/* What Linux asks for, so that one start of a compiler answers most. */
static const char *const attributes[] = {
	"__alias__",
	"__assume_aligned__",
	"__cold__",
	"__copy__",
	"__counted_by__",
	"__diagnose_as_builtin__",
	"__designated_init__",
	"__error__",
	"__externally_visible__",
	"__fallthrough__",
	"__no_caller_saved_registers__",
	"__no_profile_instrument_function__",
	"__no_sanitize_address__",
	"__no_sanitize_coverage__",
	"__no_sanitize_memory__",
	"__no_sanitize_thread__",
	"__no_sanitize_undefined__",
	"__no_stack_protector__",
	"__noclone__",
	"__nonstring__",
	"__noscs__",
	"__optimize__",
	"__overloadable__",
	"__pass_dynamic_object_size__",
	"__pass_object_size__",
	"__uninitialized__",
	"__warning__",
	"__zero_call_used_regs__",
	"__cleanup__",
	"__flag_enum__",
	"__preserve_most__",
	"btf_decl_tag",
	"btf_type_tag",
	"warn_unused_result",
	"__disable_sanitizer_instrumentation__",
	"disable_tail_calls",
};
static const char *const features[] = {
	"address_sanitizer",
	"hwaddress_sanitizer",
	"thread_sanitizer",
	"memory_sanitizer",
	"undefined_behavior_sanitizer",
	"coverage_sanitizer",
	"shadow_call_stack",
	"kcfi",
	"safe_stack",
	"cxx_rtti",
	"modules",
};
static const char *const builtins[] = {
	"__builtin_mul_overflow",        "__builtin_add_overflow",
	"__builtin_dynamic_object_size", "__builtin_bswap16",
	"__builtin_types_compatible_p",  "__builtin_va_arg_pack",
	"__builtin_unreachable",         "__builtin_constant_p",
	"__builtin_counted_by_ref",      "__builtin_typeof_unqual",
};

static void add_operator(struct scan_query *q, const char *op, const char *text)
{
	char *key = xasprintf("%s %s", op, text);

	if (strv_has(&q->keys, key)) {
		free(key);
		return;
	}
	buf_printf(&q->source, "KFARM %zu %s(%s)\n", q->keys.n, op, text);
	strv_own(&q->keys, key);
}

void scan_query_operators(struct scan_query *q, const struct scan_names *names,
			  enum scan_word op, const char *text, bool many)
{
	const char *name = scan_name(names, op)->s;
	const char *const *list = NULL;
	size_t n = 0;

	if (op == WORD_HAS_ATTRIBUTE)
		list = attributes, n = sizeof(attributes);
	else if (op == WORD_HAS_FEATURE)
		list = features, n = sizeof(features);
	else if (op == WORD_HAS_BUILTIN)
		list = builtins, n = sizeof(builtins);
	add_operator(q, name, text);
	for (size_t i = 0; many && i < n / sizeof(list[0]); i++)
		add_operator(q, name, list[i]);
}

void scan_query_values(const struct scan_query *q, const char *answer,
		       struct buf *out)
{
	const char *end;

	for (; *answer; answer = *end ? end + 1 : end) {
		char op[64], text[256];
		long long value;
		size_t i;

		end = strchrnul(answer, '\n');
		if (sscanf(answer, "KFARM %zu %lld", &i, &value) != 2 ||
		    i >= q->keys.n ||
		    sscanf(q->keys.v[i], "%63s %255[^\n]", op, text) != 2)
			continue;
		buf_printf(out, "%s %lld %s\n", op, value, text);
	}
}
