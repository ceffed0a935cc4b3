/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "toolchain/smoke-test.h"

#include "base/capture.h"
#include "base/elf.h"
#include "base/fs.h"
#include "compiler/host.h"
#include "toolchain/data.h"
#include "toolchain/tree.h"

#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

/* A few of the things that need more than a parser. */
static const char unit_c[] =
	"struct pair { unsigned long a; unsigned char b[3]; };\n"
	"static const char *const names[] = { \"one\", \"two\" };\n"
	"extern int outside(const char *, struct pair *);\n"
	"int inside(int n, struct pair *p)\n"
	"{\n"
	"\tswitch (n) {\n"
	"\tcase 0: return outside(names[0], p);\n"
	"\tcase 1: return outside(names[1], p + n);\n"
	"\tcase 7: return (int)(p->a * 3 + p->b[2]);\n"
	"\tdefault: return n << 3;\n"
	"\t}\n"
	"}\n";
static const char unit_s[] = "#define VALUE 42\n"
			     "\t.text\n"
			     "\t.globl here\n"
			     "here:\n"
			     "\t.long VALUE\n";

char *toolchain_smoke_test_driver(const struct compiler_entries *entries,
				  const char *triplet, struct err *err)
{
	char *end = triplet ? xasprintf("/bin/%s-gcc", triplet) :
			      xstrdup("/bin/clang");
	const char *best = NULL;

	for (size_t i = 0; i < entries->n; i++) {
		const struct compiler_entry *e = &entries->v[i];

		if (e->kind == COMPILER_DIR || !str_ends(e->path, end) ||
		    (e->kind == COMPILER_FILE && !e->executable))
			continue;
		if (!best ||
		    toolchain_tree_depth(e->path) < toolchain_tree_depth(best))
			best = e->path;
	}
	if (!best)
		err_set(err, ENOEXEC, "there is no program %s in it", end + 1);
	free(end);
	return best ? xstrdup(best) : NULL;
}

/* Without a vendor: "arm-linux-gnueabi" of "arm-unknown-linux-gnueabi". */
static char *without_vendor(const char *triplet)
{
	const char *system = strstr(triplet, "-linux");
	size_t cpu = strcspn(triplet, "-");

	return system ? xasprintf("%.*s%s", (int)cpu, triplet, system) :
			xstrdup(triplet);
}

bool toolchain_smoke_test_fits(const char *machine, const char *triplet)
{
	char *a = without_vendor(machine), *b = without_vendor(triplet);
	bool fits = str_starts(a, b) && strchr(b, '-') != NULL;

	free(a);
	free(b);
	return fits;
}

static int check_machine(const struct toolchain_smoke_test *t, bool *runs,
			 struct err *err)
{
	const struct toolchain_host *host;
	struct elf_program elf;
	struct utsname here;
	const char *name;
	int ret = elf_program_read(&elf, t->driver, err);

	if (ret)
		return ret;
	name = compiler_host_name(&elf);
	host = name ? toolchain_data_host_of(name) : NULL;
	if (!str_equal(name ? name : "?", t->host) &&
	    !str_equal(host ? host->name : "?", t->host))
		ret = err_set(err, ENOEXEC, "it runs on %s, not on %s",
			      host ? host->name :
			      name ? name :
				     "an unknown machine",
			      t->host);
	uname(&here);
	*runs = !ret && compiler_host_runs(name, here.machine);
	elf_program_release(&elf);
	return ret;
}

/* Its stdout, or its first complaint in `err`. */
static int capture(const struct toolchain_smoke_test *t, char *const *argv,
		   struct buf *out, struct err *err)
{
	const char *path = getenv("PATH");
	char *search = xasprintf("PATH=%s", path ? path : TOOLCHAIN_PATH);
	char *tmp = xasprintf("TMPDIR=%s", t->work);
	char lang[] = "LC_ALL=C";
	char *env[] = { search, tmp, lang,
			t->bind_now ? (char *)"LD_BIND_NOW=1" : NULL, NULL };
	struct buf output = { 0 };
	/* Only read, but passed on as what a caller may write. */
	int ret = capture_run((void *)(uintptr_t)t->cancel, t->work, argv, env,
			      out, &output, err);

	if (ret == -EINTR) {
		ret = err_set(err, ECANCELED, "cancelled");
	} else if (ret) {
		err_wrap(err, "%s %s", str_base(argv[0]), argv[1]);
		if (output.len) {
			struct err first = *err;

			err_set(err, ENOEXEC, "%.400s: %.*s", first.text,
				(int)strcspn(buf_str(&output), "\n"),
				buf_str(&output));
		}
		ret = -ENOEXEC;
	}
	buf_release(&output);
	free(search);
	free(tmp);
	return ret;
}

static int ask_word(const struct toolchain_smoke_test *t, const char *option,
		    char **out, struct err *err)
{
	char *argv[] = { (char *)(uintptr_t)t->driver,
			 (char *)(uintptr_t)option, NULL };
	struct buf output = { 0 };
	int ret = capture(t, argv, &output, err);

	*out = ret ? NULL :
		     xstrndup(buf_str(&output),
			      strcspn(buf_str(&output), "\n"));
	buf_release(&output);
	return ret;
}

/* Is `version` a word of `line`, and not a part of another number? */
static bool says(const char *line, const char *version)
{
	size_t len = strlen(version);

	for (const char *at = line; (at = strstr(at, version)); at += len) {
		bool begins = at == line || !strchr("0123456789.", at[-1]);

		if (begins && (!at[len] || !strchr("0123456789.", at[len])))
			return true;
	}
	return false;
}

static int check_release(const struct toolchain_smoke_test *t, struct err *err)
{
	char *version = toolchain_release_version(t->release);
	char *output = NULL;
	int ret = ask_word(t, "--version", &output, err);

	if (!ret && !says(output, version))
		ret = err_set(err, ENOEXEC,
			      "its driver says \"%.200s\", not %s", output,
			      version);
	if (!ret && t->triplet) {
		free(output);
		ret = ask_word(t, "-dumpmachine", &output, err);
		if (!ret && !toolchain_smoke_test_fits(output, t->triplet))
			ret = err_set(err, ENOEXEC,
				      "its driver compiles for \"%.200s\", not "
				      "for %s",
				      output, t->triplet);
	}
	free(output);
	free(version);
	return ret;
}

int toolchain_smoke_test_compile(const struct toolchain_smoke_test *t,
				 const char *name, const char *text,
				 const char *const *flags, struct err *err)
{
	char *source = xasprintf("%s/%s", t->work, name);
	char *object = xasprintf("%s.o", source);
	struct strv argv = { 0 };
	struct buf out = { 0 };
	int ret = fs_write(source, bytes_str(text), 0644, err);

	strv_add(&argv, t->driver);
	strv_add_all(&argv, (char *const *)flags);
	strv_add_all(&argv, (char *[]){ (char *)"-O2", (char *)"-ffreestanding",
					(char *)"-c", (char *)"-o", object,
					source, NULL });
	if (!ret)
		ret = capture(t, argv.v, &out, err);
	if (!ret && !elf_is(object))
		ret = err_set(err, ENOEXEC, "%s: not an object file", object);
	if (ret == -ENOEXEC)
		err_wrap(err, "it does not compile %s", name);
	buf_release(&out);
	strv_release(&argv);
	free(object);
	free(source);
	return ret;
}

int toolchain_smoke_test(const struct toolchain_smoke_test *t, bool *ran,
			 struct err *err)
{
	int ret = check_machine(t, ran, err);

	if (ret || !*ran)
		return ret;
	ret = check_release(t, err);
	if (!ret)
		ret = toolchain_smoke_test_compile(t, "unit.c", unit_c, NULL,
						   err);
	if (!ret)
		ret = toolchain_smoke_test_compile(t, "unit.S", unit_s, NULL,
						   err);
	return ret;
}

/* A line of the loader's list that tells of something wrong. */
static const char *find_wrong(const char *text, size_t *len)
{
	static const char *const signs[] = { "not found", "undefined symbol",
					     "symbol lookup error",
					     "version `" };

	for (; *text; text += *len + (text[*len] == '\n')) {
		*len = strcspn(text, "\n");
		for (size_t i = 0; i < sizeof(signs) / sizeof(*signs); i++) {
			if (memmem(text, *len, signs[i], strlen(signs[i])))
				return text;
		}
	}
	return NULL;
}

static bool is_glibc(const char *program)
{
	struct elf_program elf;
	struct err ignored;
	const char *base;
	bool is;

	if (elf_program_read(&elf, program, &ignored))
		return false;
	base = elf.loader ? str_base(elf.loader) : "";
	is = str_starts(base, "ld-linux") || str_starts(base, "ld64.so.") ||
	     str_starts(base, "ld.so.");
	elf_program_release(&elf);
	return is;
}

int toolchain_smoke_test_loads(const char *program, struct err *err)
{
	const char *argv[] = { program, NULL };
	static const char *const env[] = { "LC_ALL=C",
					   "LD_TRACE_LOADED_OBJECTS=1",
					   "LD_WARN=yes", "LD_BIND_NOW=yes",
					   NULL };
	struct buf output = { 0 };
	const char *line;
	size_t len = 0;
	int ret = 0;

	if (!is_glibc(program))
		return 0;
	ret = capture_run(NULL, "/", (char *const *)argv, (char *const *)env,
			  &output, &output, err);
	line = find_wrong(buf_str(&output), &len);
	if (!line && ret) {
		line = buf_str(&output);
		len = strcspn(line, "\n");
	}
	while (line && len && (*line == ' ' || *line == '\t')) {
		line++;
		len--;
	}
	if (line)
		ret = err_set(err, ENOEXEC, "%s: %.*s", program, (int)len,
			      line);
	buf_release(&output);
	return ret;
}
