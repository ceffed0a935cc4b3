/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "toolchain/patch.h"

#include "base/capture.h"
#include "base/elf.h"
#include "base/which.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool same_text(const char *a, const char *b)
{
	return a && b ? str_equal(a, b) : a == b;
}

/* Is the new file the old one, but for the path? */
static int check_patched(const struct elf_program *old, const char *file,
			 const char *path, struct err *err)
{
	struct elf_program now;
	int ret = elf_program_read(&now, file, err);

	if (!ret && (!elf_program_alike(old, &now) ||
		     !same_text(old->loader, now.loader) ||
		     !same_text(old->soname, now.soname) ||
		     !strv_equal(&old->needed, &now.needed) ||
		     !same_text(now.runpath ? now.runpath : now.rpath, path)))
		ret = err_set(err, ENOEXEC, "patchelf made another program");
	elf_program_release(&now);
	return ret;
}

static int run_patchelf(const char *patchelf, const char *file,
			const char *path, bool rpath, const char *out,
			struct err *err)
{
	const char *argv[] = { patchelf,
			       "--output",
			       out,
			       "--set-rpath",
			       path,
			       rpath ? "--force-rpath" : file,
			       rpath ? file : NULL,
			       NULL };
	char *env[] = { (char *)"LC_ALL=C", NULL };
	struct buf output = { 0 };
	int ret = capture_run(NULL, "/", (char *const *)argv, env, &output,
			      &output, err);

	if (ret && output.len)
		err_set(err, ENOEXEC, "%.*s",
			(int)strcspn(buf_str(&output), "\n"), buf_str(&output));
	if (ret)
		ret = -ENOEXEC;
	buf_release(&output);
	return ret;
}

/* The new file gets the place of the old one. */
static int publish_file(const char *made, const char *file,
			const struct stat *st, struct err *err)
{
	struct timespec times[2] = { st->st_atim, st->st_mtim };

	if (chmod(made, st->st_mode & 07777) ||
	    utimensat(AT_FDCWD, made, times, 0) || rename(made, file))
		return err_errno(err, "%s", made);
	return 0;
}

static int patch_file(const char *file, const struct elf_program *elf,
		      const char *element, struct toolchain_patch *out,
		      struct err *err)
{
	char *patchelf = which("patchelf", getenv("PATH"));
	const char *old = elf->runpath ? elf->runpath : elf->rpath;
	char *path = xasprintf("%s%s%s", old ? old : "", old && *old ? ":" : "",
			       element);
	char *made = xasprintf("%s.kfarm.%d", file, (int)getpid());
	struct stat st = { 0 };
	int ret = 0;

	if (!patchelf)
		ret = err_set(err, ENOPKG,
			      "the program patchelf, which makes it find "
			      "them, is not installed (Debian package "
			      "patchelf)");
	else if (stat(file, &st))
		ret = err_errno(err, "stat");
	if (!ret)
		ret = digest_file(file, &out->before, err);
	if (!ret)
		ret = run_patchelf(patchelf, file, path,
				   !elf->runpath && elf->rpath, made, err);
	if (!ret)
		ret = check_patched(elf, made, path, err);
	if (!ret)
		ret = digest_file(made, &out->after, err);
	if (!ret)
		ret = publish_file(made, file, &st, err);
	if (ret)
		unlink(made);
	free(made);
	free(path);
	free(patchelf);
	return ret;
}

int toolchain_patch_runpath(const char *file, const char *element,
			    struct toolchain_patch *out, struct err *err)
{
	struct elf_program elf;
	int ret = elf_program_read(&elf, file, err);

	*out = (struct toolchain_patch){ 0 };
	if (ret)
		return ret;
	if (!str_list_has(elf.runpath ? elf.runpath : elf.rpath, ':',
			  element)) {
		ret = patch_file(file, &elf, element, out, err);
		out->done = !ret;
	}
	elf_program_release(&elf);
	if (ret)
		err_wrap(err, "%s", file);
	return ret;
}
