/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The compiler itself says what it consists of: the driver names its cc1 and
 * its assembler, the loader of each program lists the libraries, as ldd does.
 * clang's driver is its compiler, and it assembles by itself.  A "specs" file
 * beside cc1 is read by the driver without being asked, so it counts too.
 */
#include "toolchain/ident.h"

#include "base/clock.h"
#include "base/fs.h"
#include "base/spawn.h"
#include "base/which.h"
#include "toolchain/elf.h"
#include "toolchain/memo.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define ANSWER_MAX  (64u << 10) /* bytes that a question may be answered by */
#define IDENTIFY_MS 9000 /* for all questions together */
#define FILES_MAX   256

/* An identification under way. */
struct inquiry {
	struct toolchain_ident *out;
	const char *driver;
	uint64_t deadline; /* clock_ms() */
	struct strv env;
	struct strv parts; /* "ROLE DIGEST", what the identity is made of */
};

/* What `argv` prints, without the last newline; the caller frees it. */
static int ask(struct inquiry *q, char **answer, char *const *argv,
	       struct err *err)
{
	struct spawn what = {
		.argv = argv, .env = q->env.v, .cwd = "/", .fd = { -1, -1, -1 }
	};
	uint64_t now = clock_ms();
	struct buf said = { 0 };
	int status = 0, ret;

	*answer = NULL;
	if (now >= q->deadline)
		return err_set(err, ETIMEDOUT, "%s: %s", argv[0],
			       strerror(ETIMEDOUT));
	ret = spawn_capture(&what, ANSWER_MAX, (unsigned)(q->deadline - now),
			    &said, &status, err);
	if (!ret && status) {
		char *text = spawn_status_text(status);

		ret = err_set(err, EINVAL, "%s %s: %s", argv[0], argv[1], text);
		free(text);
	}
	while (!ret && said.len && said.data[said.len - 1] == '\n')
		said.len--;
	if (!ret)
		*answer = bytes_dup(buf_bytes(&said));
	buf_release(&said);
	return ret;
}

static int ask_driver(struct inquiry *q, char **answer, const char *one,
		      const char *two, struct err *err)
{
	char *argv[] = { (char *)q->driver, (char *)one, (char *)two, NULL };

	return ask(q, answer, argv, err);
}

/* A word such as a version, of letters, digits and `more`. */
static bool is_word(const char *s, const char *more)
{
	size_t n = 0;

	for (; s[n]; n++) {
		bool letter = (s[n] >= 'a' && s[n] <= 'z') ||
			      (s[n] >= 'A' && s[n] <= 'Z');

		if (!letter && !(s[n] >= '0' && s[n] <= '9') &&
		    !strchr(more, s[n]))
			return false;
	}
	return n > 0 && n < 100;
}

static int ask_names(struct inquiry *q, struct err *err)
{
	struct toolchain_ident *t = q->out;
	int ret;

	ret = ask_driver(q, &t->version, "-dumpfullversion", "-dumpversion",
			 err);
	if (!t->version)
		return ret;
	if (t->version[0] < '0' || t->version[0] > '9' ||
	    !is_word(t->version, ".-+"))
		return err_set(err, EINVAL, "%s: said no version", q->driver);
	ret = ask_driver(q, &t->machine, "-dumpmachine", NULL, err);
	if (!t->machine)
		return ret;
	if (!is_word(t->machine, "._-"))
		return err_set(err, EINVAL, "%s: said no machine", q->driver);
	return 0;
}

/* One file goes in, under its role. */
static int add_file(struct inquiry *q, const char *role, const char *path,
		    struct err *err)
{
	char hex[DIGEST_HEX];
	struct digest d;
	char *part;
	int ret = toolchain_memo_digest(path, &d, err);

	if (ret)
		return ret;
	if (q->out->files.n >= FILES_MAX)
		return err_set(err, E2BIG, "%s: has too many libraries",
			       q->driver);
	digest_hex(&d, hex);
	part = xasprintf("%s %s", role, hex);
	if (!strv_has(&q->parts, part))
		strv_add(&q->parts, part);
	free(part);
	if (!strv_has(&q->out->files, path))
		strv_add(&q->out->files, path);
	return 0;
}

/*
 * One line of what a loader lists: "libm.so.6 => /lib/libm.so.6 (0x7f..)",
 * "/lib64/ld-linux-x86-64.so.2 (0x7f..)", "linux-vdso.so.1 (0x7f..)".
 */
static int add_library(struct inquiry *q, char *line, struct err *err)
{
	char *name = line + strspn(line, " \t");
	char *arrow = strstr(name, " => ");
	char *path = arrow ? arrow + 4 : name;
	char *end = strstr(path, " (0x"), *role;
	int ret;

	if (end)
		*end = '\0';
	if (arrow)
		*arrow = '\0';
	if (path[0] != '/') {
		if (!arrow)
			return 0; /* the kernel's own, in no file */
		return err_set(err, ENOENT, "library %s: %s", name, path);
	}
	role = xasprintf("lib:%s", str_base(name));
	ret = add_file(q, role, path, err);
	free(role);
	return ret;
}

static int add_libraries(struct inquiry *q, const char *program,
			 struct err *err)
{
	char *loader, *list = NULL, *rest = NULL;
	int ret = toolchain_elf_loader(&loader, program, err);
	char *argv[] = { loader, "--list", (char *)program, NULL };

	if (ret || !loader)
		return ret;
	ret = ask(q, &list, argv, err);
	for (char *line = ret ? NULL : strtok_r(list, "\n", &rest);
	     line && !ret; line = strtok_r(NULL, "\n", &rest))
		ret = add_library(q, line, err);
	free(list);
	free(loader);
	return ret;
}

static int add_program(struct inquiry *q, const char *role, const char *path,
		       struct err *err)
{
	int ret = add_file(q, role, path, err);

	if (!ret)
		ret = add_libraries(q, path, err);
	if (ret)
		err_wrap(err, "%s", role);
	return ret;
}

static int add_assembler(struct inquiry *q, struct err *err)
{
	char *said = NULL, *path;
	int ret = ask_driver(q, &said, "-print-prog-name=as", NULL, err);

	if (!said)
		return ret;
	/* "as" means what PATH says when the compile runs. */
	path = which(said, str_env(q->env.v, "PATH"));
	if (!path || path[0] != '/')
		ret = err_set(err, ENOENT, "%s: its assembler %s is not there",
			      q->driver, said);
	else
		ret = add_program(q, "as", path, err);
	free(path);
	free(said);
	return ret;
}

static int add_specs(struct inquiry *q, const char *cc1, struct err *err)
{
	char *dir = str_dir(cc1), *specs = xasprintf("%s/specs", dir);
	int ret = 0;

	if (fs_exists(specs))
		ret = add_file(q, "specs", specs, err);
	free(specs);
	free(dir);
	return ret;
}

/* Not absolute is what a driver says of a program that it does not have. */
static int check_clang(struct inquiry *q, struct err *err)
{
	char *said = NULL;
	int ret = ask_driver(q, &said, "--version", NULL, err);

	if (!said)
		return ret;
	q->out->is_clang = strstr(said, "clang version") != NULL;
	free(said);
	if (!q->out->is_clang)
		return err_set(err, ENOENT, "%s: its cc1 is not there",
			       q->driver);
	return 0;
}

static int add_compiler(struct inquiry *q, struct err *err)
{
	char *cc1 = NULL;
	int ret = ask_driver(q, &cc1, "-print-prog-name=cc1", NULL, err);

	if (!cc1)
		return ret;
	if (cc1[0] == '/') {
		ret = add_program(q, "cc1", cc1, err);
		if (!ret)
			ret = add_specs(q, cc1, err);
		if (!ret)
			ret = add_assembler(q, err);
	} else {
		ret = check_clang(q, err);
	}
	free(cc1);
	return ret;
}

static void finish(struct inquiry *q)
{
	char *all;

	strv_sort(&q->parts);
	all = strv_join(&q->parts, "\n");
	digest_of(bytes_str(all), &q->out->id);
	free(all);
}

int toolchain_identify(struct toolchain_ident *out, const char *driver,
		       struct err *err)
{
	const char *path = getenv("PATH");
	struct inquiry q = {
		.out = out,
		.driver = driver,
		.deadline = clock_ms() + IDENTIFY_MS,
	};
	int ret;

	*out = (struct toolchain_ident){ 0 };
	strv_addf(&q.env, "PATH=%s",
		  path ? path : "/usr/local/bin:/usr/bin:/bin");
	strv_add(&q.env, "LC_ALL=C");

	ret = add_program(&q, "driver", driver, err);
	if (!ret)
		ret = ask_names(&q, err);
	if (!ret)
		ret = add_compiler(&q, err);
	if (!ret)
		finish(&q);
	if (ret)
		toolchain_ident_release(out);
	strv_release(&q.parts);
	strv_release(&q.env);
	return ret;
}

void toolchain_ident_release(struct toolchain_ident *t)
{
	free(t->version);
	free(t->machine);
	strv_release(&t->files);
	*t = (struct toolchain_ident){ 0 };
}

void toolchain_ident_stamp(const struct strv *files, struct digest *out)
{
	struct buf all = { 0 };

	for (size_t i = 0; i < files->n; i++) {
		struct stat st = { 0 };

		/* A missing file is all zeroes, as no file can be. */
		if (stat(files->v[i], &st))
			st = (struct stat){ 0 };
		buf_put_u64(&all, st.st_dev);
		buf_put_u64(&all, st.st_ino);
		buf_put_u64(&all, (uint64_t)st.st_size);
		buf_put_u64(&all, (uint64_t)st.st_mtim.tv_sec);
		buf_put_u32(&all, (uint32_t)st.st_mtim.tv_nsec);
		buf_put_u64(&all, (uint64_t)st.st_ctim.tv_sec);
		buf_put_u32(&all, (uint32_t)st.st_ctim.tv_nsec);
	}
	digest_of(buf_bytes(&all), out);
	buf_release(&all);
}
