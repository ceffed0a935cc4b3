/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cpp/driver-query.h"

#include "base/fs.h"
#include "base/state-file.h"
#include "base/vec.h"
#include "cpp/pragma.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The kinds of compiler runs and their options. */
enum cpp_driver_query {
	/* -dD -E: macros, built-in names and operators */
	CPP_DRIVER_QUERY_MACROS,
	CPP_DRIVER_QUERY_DIRS, /* -v -E: include directories */
	CPP_DRIVER_QUERY_OPERATORS, /* -P -E: values of operators */
	CPP_DRIVER_QUERY_PRAGMAS, /* -S -g3: macros that pragmas change */
};

/* The value of OP(TEXT), such as __has_attribute(noreturn). */
struct known_operator {
	struct known_operator *next;
	enum cpp_word op;
	long long value;
	char *text;
};

/*
 * The include directories that one query found.  This structure never changes
 * after it is created.  A refresh adds a new structure and retains the older
 * ones, because threads read them without a lock.
 */
struct answer_dirs {
	struct answer_dirs *older;
	struct strv dirs, absent;
};

/* The changes that pragmas make to macros; see cpp/pragma.h. */
struct pragma_changes {
	struct pragma_changes *next;
	char *key;
	struct buf lines;
	struct cpp_text *changes; /* NULL until first used */
};

/*
 * The properties of one compiler with one set of flags, for all threads.
 *
 * `lock` is held while the driver runs, so that only threads with the same
 * compiler and flags wait.
 */
struct shared_dialect {
	/* base.macros is NULL until the properties are loaded */
	struct cpp_dialect base;
	struct shared_dialect *next;
	char hex[DIGEST_HEX];
	pthread_mutex_t lock;
	struct answer_dirs *dirs; /* NULL until loaded */
	struct known_operator *operators;
	struct pragma_changes *options;
};

struct cpp_driver_cache {
	struct cpp_setup setup;
	struct cpp_names *names;
	atomic_uint_fast64_t n_queries;
	pthread_mutex_t lock; /* protects the fields below */
	struct shared_dialect *dialects;
	/* operators, as "OP TEXT", to evaluate in queries of any compiler */
	struct strv wanted;
};

static void make_query_argv(struct strv *argv,
			    const struct cpp_driver_request *r,
			    enum cpp_driver_query what, const char *source)
{
	static const char *const mode[] = {
		[CPP_DRIVER_QUERY_MACROS] = "-dD",
		[CPP_DRIVER_QUERY_DIRS] = "-v",
		[CPP_DRIVER_QUERY_OPERATORS] = "-P",
	};
	static const char *const compile[] = { "-S",       "-o",
					       "-",        "-gdwarf-2",
					       "-g3",      "-gstrict-dwarf",
					       "-fno-lto", "-w" };

	strv_add(argv, r->unit->compiler);
	strv_add_all(argv, strv_list(&r->line->query_flags));
	if (what != CPP_DRIVER_QUERY_DIRS)
		strv_add(argv, "-nostdinc");
	for (size_t i = 0;
	     what == CPP_DRIVER_QUERY_PRAGMAS && i < ARRAY_SIZE(compile); i++)
		strv_add(argv, compile[i]);
	if (what != CPP_DRIVER_QUERY_PRAGMAS) {
		strv_add(argv, mode[what]);
		strv_add(argv, "-E");
	}
	strv_add(argv, "-x");
	strv_add(argv,
		 r->line->mode & CPP_MODE_ASM ? "assembler-with-cpp" : "c");
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
		ret = err_errno(err, "create %s", *path);
		free(*path);
		*path = NULL;
		return ret;
	}
	ret = bytes_write(fd, buf_bytes(source));
	if (ret)
		err_set(err, -ret, "write %s: %s", *path, strerror(-ret));
	close(fd);
	return ret;
}

/* Append the code that queries the operators or pragmas `keys` to `source`. */
static void make_source(struct buf *source, enum cpp_driver_query what,
			const struct cpp_names *names, const struct strv *keys)
{
	if (what == CPP_DRIVER_QUERY_DIRS)
		return;
	if (what == CPP_DRIVER_QUERY_PRAGMAS) {
		cpp_pragma_options_add_source(source, keys);
		return;
	}
	for (uint32_t w = WORD_FILE;
	     what == CPP_DRIVER_QUERY_MACROS && w < WORDS; w++)
		buf_printf(source, "#ifdef %s\nKFARM has %u\n#endif\n",
			   cpp_names_get(names, w)->s, w);
	for (size_t i = 0; i < keys->n; i++) {
		const char *key = keys->v[i], *text = strchr(key, ' ');
		int len = (int)(text - key);

		buf_printf(source,
			   "#ifdef %.*s\nKFARM op %zu %.*s(%s)\n#endif\n", len,
			   key, i, len, key, text + 1);
	}
	/*
	 * clang does not print __FLT_EVAL_METHOD__, because pragmas can change
	 * the value.  With raw strings, the #undef is part of a string literal.
	 * Without raw strings, it is a directive.
	 */
	if (what == CPP_DRIVER_QUERY_MACROS)
		buf_add_str(source, "#ifdef __FLT_EVAL_METHOD__\n"
				    "KFARM eval __FLT_EVAL_METHOD__\n#endif\n"
				    "#define KFARM_RAW\n"
				    "char *s = R\"(\n#undef KFARM_RAW\n)\";\n"
				    "#ifndef KFARM_RAW\nKFARM has 0\n#endif\n");
}

static void read_output(const char *output, const struct strv *keys,
			struct buf *answer)
{
	char op[64], text[256];
	const char *end;
	long long value;
	size_t i;

	for (; *output; output = end) {
		end = strchrnul(output, '\n');
		end += *end == '\n';
		if (str_starts(output, "KFARM has "))
			buf_add(answer, output + strlen("KFARM "),
				(size_t)(end - output) - strlen("KFARM "));
		else if (str_starts(output, "KFARM eval "))
			buf_printf(answer, "#define __FLT_EVAL_METHOD__ %.*s",
				   (int)(end - output) - 11, output + 11);
		else if (str_starts(output, "KFARM op ")) {
			if (sscanf(output, "KFARM op %zu %lld", &i, &value) ==
				    2 &&
			    i < keys->n &&
			    sscanf(keys->v[i], "%63s %255[^\n]", op, text) == 2)
				buf_printf(answer, "op %s %lld %s\n", op, value,
					   text);
		} else if ((str_starts(output, "#define ") ||
			    str_starts(output, "#undef ")) &&
			   !memmem(output, (size_t)(end - output), "KFARM_RAW",
				   9))
			buf_add(answer, output, (size_t)(end - output));
	}
}

/*
 * Parse the output of -v.  Returns -EPROTO if the output has no complete list
 * of directories.
 */
static int read_dirs(const char *output, struct buf *answer)
{
	static const char ignored[] = "ignoring nonexistent directory \"";
	bool inside = false, ended = false;
	const char *s, *end;

	buf_add_str(answer, "dirs\n");
	for (s = output; *s; s = *end ? end + 1 : end) {
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

/*
 * Append the macro changes in the compiler's output to `answer`, as lines that
 * start with + instead of #.
 */
static int read_options(const char *output, const struct strv *pragmas,
			struct buf *answer, struct err *err)
{
	struct buf changes = { 0 };
	char *key = cpp_pragma_options_key(pragmas);
	int ret = cpp_pragma_options_parse(output, &changes);
	const char *s, *end;

	if (ret)
		err_set(err, -ret, "no macro list in the compiler's output");
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

/*
 * Operators that Linux uses, as "OP TEXT".  The driver run that queries macros
 * also evaluates these operators, so that only a few other operators need a
 * separate run.
 */
static const char *const linux_operators[] = {
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

static bool is_name(char c)
{
	return c == '_' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
	       (c >= 'A' && c <= 'Z');
}

/*
 * Return the length of WORD in "( WORD )" at `s`, or 0 for any other operand.
 */
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

/*
 * The function searches for "has_", not for "__has_", because glibc wraps
 * operators in macros with another prefix: __glibc_has_attribute (__nothrow__).
 */
void cpp_driver_query_add_mentioned(struct strv *keys, const char *s,
				    size_t len)
{
	static const char *const ops[] = { "has_attribute", "has_c_attribute",
					   "has_builtin", "has_feature",
					   "has_extension" };
	const char *end = s + len, *word;

	for (; s < end && (s = memmem(s, (size_t)(end - s), "has_", 4));
	     s += 4) {
		for (size_t i = 0; i < ARRAY_SIZE(ops); i++) {
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

/*
 * After this many operators were requested, headers are no longer searched for
 * further operators.
 */
#define OPERATORS_MAX 512

struct cpp_driver_cache *cpp_driver_cache_new(const struct cpp_setup *setup,
					      struct cpp_names *names)
{
	struct cpp_driver_cache *a = xcalloc(1, sizeof(*a));

	pthread_mutex_init(&a->lock, NULL);
	a->setup = *setup;
	a->names = names;
	for (size_t i = 0; i < ARRAY_SIZE(linux_operators); i++)
		strv_add(&a->wanted, linux_operators[i]);
	return a;
}

void cpp_driver_cache_free(struct cpp_driver_cache *a)
{
	if (!a)
		return;
	while (a->dialects) {
		struct shared_dialect *f = a->dialects;

		a->dialects = f->next;
		while (f->operators) {
			struct known_operator *o = f->operators;

			f->operators = o->next;
			free(o->text);
			free(o);
		}
		while (f->options) {
			struct pragma_changes *o = f->options;

			f->options = o->next;
			cpp_text_free(o->changes);
			buf_release(&o->lines);
			free(o->key);
			free(o);
		}
		while (f->dirs) {
			struct answer_dirs *d = f->dirs;

			f->dirs = d->older;
			strv_release(&d->dirs);
			strv_release(&d->absent);
			free(d);
		}
		cpp_text_free(f->base.macros);
		pthread_mutex_destroy(&f->lock);
		free(f);
	}
	strv_release(&a->wanted);
	pthread_mutex_destroy(&a->lock);
	free(a);
}

/* Compute the digest of everything that predefined macros can depend on. */
static void dialect_digest(const struct cpp_unit *unit,
			   const struct cpp_cmdline *line,
			   char hex[static DIGEST_HEX])
{
	struct digest_ctx *run = digest_new();
	struct digest d;
	const char *part[] = {
		"kfarm scan 8",
		unit->compiler,
		line->mode & CPP_MODE_ASM ? "asm" : "c",
		line->has_relative_flags ? unit->cwd : "",
	};

	for (size_t i = 0; i < ARRAY_SIZE(part); i++)
		digest_add(run, bytes_of(part[i], strlen(part[i]) + 1));
	if (unit->toolchain)
		digest_add(run, bytes_of(unit->toolchain->b, DIGEST_SIZE));
	digest_add(run, bytes_of(&line->mode, sizeof(line->mode)));
	for (size_t i = 0; i < line->query_flags.n; i++)
		digest_add(run, bytes_of(line->query_flags.v[i],
					 strlen(line->query_flags.v[i]) + 1));
	digest_finish(run, &d);
	digest_format(&d, hex);
}

static const struct state_file cache_file = {
	.max_bytes = 16u << 20,
	.mode = 0600,
	.is_private = true,
};

/*
 * Read the results for `f` from the cache directory.  Return false if there are
 * no results or the digest at the end of the file does not match.
 */
static bool read_driver_cache(const struct cpp_driver_cache *a,
			      const struct shared_dialect *f, struct buf *out)
{
	struct err err;
	char *path;
	bool ok;

	if (!a->setup.cache_dir)
		return false;
	path = xasprintf("%s/scan-%s", a->setup.cache_dir, f->hex);
	ok = !state_file_read(&cache_file, path, out, &err) &&
	     digest_cut_line(out);
	free(path);
	if (!ok)
		buf_release(out);
	return ok;
}

/*
 * Append a result to the file in the cache directory.  The result of
 * CPP_DRIVER_QUERY_MACROS starts a new file.
 */
static void write_driver_cache(const struct cpp_driver_cache *a,
			       const struct shared_dialect *f,
			       enum cpp_driver_query what,
			       const struct buf *answer)
{
	struct buf out = { 0 };
	struct err err;
	char *path;

	if (!a->setup.cache_dir)
		return;
	if (what != CPP_DRIVER_QUERY_MACROS && !read_driver_cache(a, f, &out))
		return;
	path = xasprintf("%s/scan-%s", a->setup.cache_dir, f->hex);
	buf_add_bytes(&out, buf_bytes(answer));
	digest_add_line(&out);
	/* If this fails, the driver runs again in the next build. */
	if (!fs_mkdirs(a->setup.cache_dir, 0700, &err))
		state_file_write(&cache_file, path, buf_bytes(&out), &err);
	buf_release(&out);
	free(path);
}

static struct known_operator *find_operator(const struct shared_dialect *f,
					    enum cpp_word op, const char *text)
{
	struct known_operator *o;

	for (o = f->operators; o; o = o->next) {
		if (o->op == op && !strcmp(o->text, text))
			return o;
	}
	return NULL;
}

static void parse_operator_line(struct cpp_driver_cache *a,
				struct shared_dialect *f, const char *line)
{
	char name[64], text[256];
	struct known_operator *o;
	long long value;
	uint32_t op;

	if (sscanf(line, "op %63s %lld %255[^\n]", name, &value, text) != 3)
		return;
	op = cpp_names_intern(a->names, name, strlen(name));
	if (op >= WORDS || find_operator(f, op, text))
		return;
	o = xcalloc(1, sizeof(*o));
	o->op = op;
	o->value = value;
	o->text = xstrdup(text);
	o->next = f->operators;
	f->operators = o;
}

static void parse_builtin_line(struct shared_dialect *f, const char *line)
{
	uint32_t w;

	if (sscanf(line, "has %u", &w) != 1)
		return;
	if (w == WORD_NONE)
		f->base.no_raw_strings = true;
	else if (w >= WORD_FILE && w < WORDS && f->base.n_builtins < WORDS)
		f->base.builtins[f->base.n_builtins++] = (struct cpp_def){
			.name = w
		};
}

/*
 * Add the result lines in `answer` to `f`.  query_compiler() describes the
 * format of the lines.
 */
static void parse_driver_answer(struct cpp_driver_cache *a,
				struct shared_dialect *f, unsigned mode,
				const struct buf *answer)
{
	struct answer_dirs *dirs = f->dirs;
	struct pragma_changes *changes;
	struct buf macros = { 0 };
	const char *s, *end;

	for (s = buf_str(answer); *s; s = end) {
		size_t len = strcspn(s, "\n");

		end = s + len + (s[len] == '\n');
		if (*s == '#') {
			buf_add(&macros, s, (size_t)(end - s));
		} else if (*s == 'h') {
			parse_builtin_line(f, s);
		} else if (*s == 'o') {
			parse_operator_line(a, f, s);
		} else if (*s == 'd') {
			dirs = xcalloc(1, sizeof(*dirs));
			dirs->older = f->dirs;
			f->dirs = dirs;
		} else if (str_starts(s, "pragmas ")) {
			changes = xcalloc(1, sizeof(*changes));
			changes->key = xstrndup(s + 8, len - 8);
			changes->next = f->options;
			f->options = changes;
		} else if (*s == '+' && f->options) {
			buf_add_str(&f->options->lines, "#");
			buf_add(&f->options->lines, s + 1, len - 1);
			buf_add_str(&f->options->lines, "\n");
		} else if (*s != '+' && dirs && len > 2) {
			strv_own(*s == 'D' ? &dirs->dirs : &dirs->absent,
				 xstrndup(s + 2, len - 2));
		}
	}
	/* Set base.macros even if there is no macro, to mark `f` as loaded. */
	if (!f->base.macros) {
		f->base.is_clang = strstr(buf_str(&macros),
					  "#define __clang__ ");
		/* C23 is 202000L for older compilers, else 202311L. */
		f->base.is_c23 = strstr(buf_str(&macros),
					"#define __STDC_VERSION__ 202");
		f->base.macros = cpp_lex_file(a->names, &macros, mode, false);
	}
	buf_release(&macros);
}

/*
 * Run the driver on a temporary source, add the results to `f` and store them
 * in the cache directory, as lines:
 *
 * #define X 1, #undef X  predefined macros
 * has N                  name N of enum cpp_word is built in
 * has 0                  raw strings are not supported
 * op OP VALUE TEXT       value of an operator "OP TEXT" of `keys`
 * dirs                   start of a list of directories:
 * D PATH, N PATH           an existing directory, a missing directory
 * pragmas KEY            start of the macro changes of the last pragma in KEY:
 * +define X 1, +undef X    a change
 */
static int query_compiler(const struct cpp_driver_request *r,
			  struct shared_dialect *f, enum cpp_driver_query what,
			  const struct strv *keys, struct err *err)
{
	struct buf source = { 0 }, text = { 0 }, err_text = { 0 };
	struct cpp_driver_cache *a = r->cache;
	struct strv argv = { 0 }, env = { 0 };
	struct buf answer = { 0 };
	char *path = NULL;
	int ret = 0;

	atomic_fetch_add(&a->n_queries, 1);
	if (!a->setup.query)
		return err_set(err, ENOTSUP, "no compiler to query");
	make_source(&source, what, a->names, keys);
	if (source.len)
		ret = write_source(&source, &path, err);
	if (ret)
		goto out;
	/* The compiler must print its messages in English. */
	for (char *const *e = r->unit->env; e && *e; e++) {
		if (!str_starts(*e, "LC_ALL=") && !str_starts(*e, "LANGUAGE="))
			strv_add(&env, *e);
	}
	strv_add(&env, "LC_ALL=C");
	make_query_argv(&argv, r, what, path ? path : "/dev/null");
	ret = a->setup.query(a->setup.ctx, r->unit->cwd, argv.v, env.v, &text,
			     &err_text, err);
	if (ret)
		goto out;
	if (what == CPP_DRIVER_QUERY_DIRS)
		ret = read_dirs(buf_str(&err_text), &answer);
	else if (what == CPP_DRIVER_QUERY_PRAGMAS)
		ret = read_options(buf_str(&text), keys, &answer, err);
	else
		read_output(buf_str(&text), keys, &answer);
	if (ret)
		goto out;
	parse_driver_answer(a, f, r->line->mode, &answer);
	write_driver_cache(a, f, what, &answer);
out:
	if (path)
		unlink(path);
	free(path);
	buf_release(&source);
	buf_release(&text);
	buf_release(&err_text);
	buf_release(&answer);
	strv_release(&argv);
	strv_release(&env);
	return ret;
}

static struct shared_dialect *find_dialect(struct cpp_driver_cache *a,
					   const char hex[static DIGEST_HEX])
{
	struct shared_dialect *f;

	pthread_mutex_lock(&a->lock);
	for (f = a->dialects; f && strcmp(f->hex, hex); f = f->next)
		;
	if (!f) {
		f = xcalloc(1, sizeof(*f));
		memcpy(f->hex, hex, sizeof(f->hex));
		pthread_mutex_init(&f->lock, NULL);
		f->next = a->dialects;
		a->dialects = f;
	}
	pthread_mutex_unlock(&a->lock);
	return f;
}

struct cpp_dialect *cpp_driver_query_dialect(const struct cpp_driver_request *r,
					     enum reason *why, char **detail)
{
	struct cpp_driver_cache *a = r->cache;
	static const struct strv none;
	struct shared_dialect *f;
	struct strv keys = { 0 };
	struct buf stored = { 0 };
	struct err err = { 0 };
	char hex[DIGEST_HEX];
	int ret = 0;

	dialect_digest(r->unit, r->line, hex);
	f = find_dialect(a, hex);
	pthread_mutex_lock(&f->lock);
	if (!f->base.macros && read_driver_cache(a, f, &stored))
		parse_driver_answer(a, f, r->line->mode, &stored);
	/* After a failure, the next unit tries again. */
	if (!f->base.macros) {
		pthread_mutex_lock(&a->lock);
		strv_add_all(&keys, strv_list(&a->wanted));
		pthread_mutex_unlock(&a->lock);
		ret = query_compiler(r, f, CPP_DRIVER_QUERY_MACROS, &keys,
				     &err);
		/* An invalid operator of another unit makes the query fail. */
		if (ret && keys.n)
			ret = query_compiler(r, f, CPP_DRIVER_QUERY_MACROS,
					     &none, &err);
	}
	pthread_mutex_unlock(&f->lock);
	strv_release(&keys);
	buf_release(&stored);
	if (!ret)
		return &f->base;
	*why = REASON_NO_MACROS;
	*detail = xstrdup(err.text);
	return NULL;
}

int cpp_driver_query_dirs(const struct cpp_driver_request *r, bool refresh,
			  const struct strv **dirs, const struct strv **absent,
			  enum reason *why)
{
	struct shared_dialect *f = (struct shared_dialect *)r->dialect;
	struct err err;
	int ret = 0;

	pthread_mutex_lock(&f->lock);
	if (refresh || !f->dirs)
		ret = query_compiler(r, f, CPP_DRIVER_QUERY_DIRS, NULL, &err);
	if (!ret) {
		*dirs = &f->dirs->dirs;
		*absent = &f->dirs->absent;
	}
	pthread_mutex_unlock(&f->lock);
	if (ret)
		*why = REASON_NO_DIRECTORIES;
	return ret;
}

/* Remove the operators without a value in `f` from the requested ones. */
static void drop_rejected(struct cpp_driver_cache *a,
			  const struct shared_dialect *f)
{
	size_t n = 0;

	pthread_mutex_lock(&a->lock);
	for (size_t i = 0; i < a->wanted.n; i++) {
		char *key = a->wanted.v[i], *text = strchr(key, ' ');
		uint32_t op = cpp_names_intern(a->names, key,
					       (size_t)(text - key));

		if (find_operator(f, op, text + 1))
			a->wanted.v[n++] = key;
		else
			free(key);
	}
	a->wanted.n = n;
	if (a->wanted.v)
		a->wanted.v[n] = NULL;
	pthread_mutex_unlock(&a->lock);
}

/*
 * Return the value of an operator, or NULL.  The first driver run evaluates all
 * operators that were requested so far.  If the driver rejects one of them, a
 * second run evaluates only this operator, and later runs omit the operators
 * whose values are still unknown.
 */
static struct known_operator *query_operator_value(
	const struct cpp_driver_request *r, struct shared_dialect *f,
	enum cpp_word op, const char *text, const struct cpp_text *near)
{
	struct cpp_driver_cache *a = r->cache;
	struct strv all = { 0 }, one = { 0 };
	struct known_operator *o;
	struct err err;
	int ret;

	strv_addf(&one, "%s %s", cpp_names_get(a->names, op)->s, text);
	pthread_mutex_lock(&a->lock);
	if (!strv_has(&a->wanted, one.v[0]))
		strv_add(&a->wanted, one.v[0]);
	/* The header with this operator can mention other operators. */
	if (near && a->wanted.n < OPERATORS_MAX)
		cpp_driver_query_add_mentioned(&a->wanted, near->blob,
					       near->blob_len);
	strv_add_all(&all, strv_list(&a->wanted));
	pthread_mutex_unlock(&a->lock);
	ret = query_compiler(r, f, CPP_DRIVER_QUERY_OPERATORS, &all, &err);
	o = find_operator(f, op, text);
	if (!o) {
		query_compiler(r, f, CPP_DRIVER_QUERY_OPERATORS, &one, &err);
		o = find_operator(f, op, text);
	}
	if (ret)
		drop_rejected(a, f);
	strv_release(&all);
	strv_release(&one);
	return o;
}

int cpp_driver_query_operator(const struct cpp_driver_request *r,
			      enum cpp_word op, const char *text,
			      const struct cpp_text *includer, long long *value,
			      enum reason *why)
{
	struct shared_dialect *f = (struct shared_dialect *)r->dialect;
	struct known_operator *o;

	pthread_mutex_lock(&f->lock);
	o = find_operator(f, op, text);
	if (!o)
		o = query_operator_value(r, f, op, text, includer);
	if (o)
		*value = o->value;
	pthread_mutex_unlock(&f->lock);
	if (!o)
		*why = REASON_NO_OPERATOR;
	return o ? 0 : -EINVAL;
}

static struct pragma_changes *find_options(const struct shared_dialect *f,
					   const char *key)
{
	struct pragma_changes *o = f->options;

	while (o && strcmp(o->key, key))
		o = o->next;
	return o;
}

struct cpp_text *cpp_driver_query_pragmas(const struct cpp_driver_request *r,
					  const struct strv *pragmas,
					  enum reason *why, char **detail)
{
	struct shared_dialect *f = (struct shared_dialect *)r->dialect;
	char *key = cpp_pragma_options_key(pragmas);
	struct cpp_text *changes = NULL;
	struct err err = { 0 };
	struct pragma_changes *o;

	pthread_mutex_lock(&f->lock);
	o = find_options(f, key);
	if (!o &&
	    !query_compiler(r, f, CPP_DRIVER_QUERY_PRAGMAS, pragmas, &err))
		o = find_options(f, key);
	if (o && !o->changes)
		o->changes = cpp_lex_file(r->cache->names, &o->lines,
					  r->line->mode, false);
	if (o)
		changes = o->changes;
	pthread_mutex_unlock(&f->lock);
	if (!changes) {
		*why = REASON_PRAGMA_OPTIONS;
		*detail = xasprintf("%s: %s", key, err.text);
	}
	free(key);
	return changes;
}

uint64_t cpp_driver_cache_n_queries(struct cpp_driver_cache *a)
{
	return atomic_load(&a->n_queries);
}
