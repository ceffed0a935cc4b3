/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "toolchain/loads.h"

#include "base/capture.h"
#include "base/elf.h"
#include "base/fs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char unit[] =
	"double f(void);\nint g(int *v, int n);\n"
	"double f(void)\n{\n"
	"\treturn __builtin_sin(1.25) * __builtin_pow(2.5, 0.5) +\n"
	"\t       __builtin_lgamma(0.75);\n}\n"
	"int g(int *v, int n)\n{\n\tint s = 0;\n\n"
	"\tfor (int i = 0; i < n; i++)\n"
	"\t\tfor (int k = 0; k < n; k++)\n\t\t\ts += v[i * n + k];\n"
	"\treturn s;\n}\n";

/* The first line of what it said. */
static int refuse(const char *what, const struct buf *said, struct err *err)
{
	const char *text = buf_str(said);

	return err_set(err, ENOEXEC, "%s: %.*s", what, (int)strcspn(text, "\n"),
		       text);
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

int toolchain_loads_loads(const char *program, struct err *err)
{
	const char *argv[] = { program, NULL };
	static const char *const env[] = { "LC_ALL=C",
					   "LD_TRACE_LOADED_OBJECTS=1",
					   "LD_WARN=yes", "LD_BIND_NOW=yes",
					   NULL };
	struct buf said = { 0 }, wrong = { 0 };
	const char *line;
	size_t len = 0;
	int ret = 0;

	if (!is_glibc(program))
		return 0;
	ret = capture_run(NULL, "/", (char *const *)argv, (char *const *)env,
			  &said, &wrong, err);
	buf_add_bytes(&said, buf_bytes(&wrong));
	line = find_wrong(buf_str(&said), &len);
	while (line && len && (*line == ' ' || *line == '\t')) {
		line++;
		len--;
	}
	if (line)
		ret = err_set(err, ENOEXEC, "%s: %.*s", program, (int)len,
			      line);
	else if (ret)
		ret = refuse(program, &said, err);
	buf_release(&said);
	buf_release(&wrong);
	return ret;
}

int toolchain_loads_compiles(const char *driver, const char *dir,
			     const char *const *flags, struct err *err)
{
	char *source = xasprintf("%s/unit.c", dir);
	char *object = xasprintf("%s/unit.o", dir);
	char *tmp = xasprintf("TMPDIR=%s", dir);
	char *env[] = { (char *)"PATH=/usr/bin:/bin", (char *)"LC_ALL=C",
			(char *)"LD_BIND_NOW=1", tmp, NULL };
	struct buf said = { 0 }, wrong = { 0 };
	struct strv argv = { 0 };
	int ret = fs_write(source, bytes_str(unit), 0600, err);

	strv_add(&argv, driver);
	strv_add_all(&argv, (char *const *)flags);
	strv_add_all(&argv, (char *[]){ (char *)"-O2", (char *)"-c",
					(char *)"-o", object, source, NULL });
	if (!ret) {
		ret = capture_run(NULL, dir, argv.v, env, &said, &wrong, err);
		if (ret && wrong.len)
			refuse(driver, &wrong, err);
		if (!ret && !fs_exists(object))
			ret = err_set(err, ENOEXEC, "%s makes no object",
				      driver);
		if (ret)
			ret = -ENOEXEC;
	}
	buf_release(&said);
	buf_release(&wrong);
	strv_release(&argv);
	free(tmp);
	free(object);
	free(source);
	return ret;
}
