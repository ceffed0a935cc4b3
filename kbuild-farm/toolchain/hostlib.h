/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * toolchain/hostlib.h - Host libraries that a toolchain's programs lack.
 *
 * The gcc builds of kernel.org up to 7.3.0 are linked with libmpfr.so.4 (some
 * with libisl.so.15), which current distributions no longer ship.  Such a
 * library is installed into the directory `hostlib` next to the toolchain's
 * `bin`, and the programs that need it get a DT_RUNPATH ($ORIGIN/...) to it.
 * The programs thus need neither a wrapper, which would change their argv[0],
 * nor LD_LIBRARY_PATH.  They find the library in a sandbox in the same way as
 * on the build host (compiler/manifest.h).  Since the library is below the
 * toolchain's prefix, the toolchain's digests include the library.
 * Nothing outside the toolchain's directory is written.
 *
 * Only programs that this machine can run are examined.  Programs for other
 * machines and libraries of the target are ignored.
 */
#ifndef TOOLCHAIN_HOSTLIB_H
#define TOOLCHAIN_HOSTLIB_H

#include "base/digest.h"
#include "base/err.h"
#include "base/str.h"
#include "compiler/library.h"
#include "toolchain/release.h"

/* A library that this machine does not have. */
struct toolchain_missing_library {
	char *library; /* "libmpfr.so.4" */
	/*
	 * true if a kernel build needs the library, because the driver, cc1,
	 * the assembler, the linker or a tool that kbuild calls uses it; false
	 * if only gdb or similar tools use it
	 */
	bool required;
	struct strv users; /* realpath(3) of files that need it, sorted */
};

/* A zeroed struct is empty. */
struct toolchain_missing_list {
	struct toolchain_missing_library *v; /* sorted by library */
	size_t n;
};

/*
 * List all libraries that a program or linker plugin below `dir` needs and this
 * machine does not have.  `dir` contains an unpacked toolchain; it is
 * DATA/toolchains/ID, or a private directory before publication.  Reads ELF
 * files, runs no program and ignores LD_LIBRARY_PATH.
 *
 * Returns 0, or a negative errno with `err` naming the file and `out` empty.
 */
int toolchain_hostlib_list_missing(const char *dir,
				   struct toolchain_missing_list *out,
				   struct err *err);
void toolchain_hostlib_missing_release(struct toolchain_missing_list *list);

/*
 * Provide the libraries of `missing`, which the caller has just listed in
 * `dir`.  The built-in toolchain data lists compatible libraries for
 * `release`.  The sources are, in this order:
 *
 *  - `files` (--library): a file whose name or DT_SONAME is that of the missing
 *    library or of a compatible one;
 *  - `debs` (--deb): distribution packages that contain such a file;
 *  - a compatible library of this system.
 *
 * Then the programs are changed, the loader checks that each of them finds its
 * libraries and symbols (without running it), and every driver in `bin`
 * compiles a file.
 *
 * `log` receives a line for each library and each changed file.  A line that
 * begins with "without" names a library that was not found, or a program that
 * lacks symbols.  No build needs this library or program.
 * toolchain.json stores the lines in "hostlibs".  Examples, each a single line:
 *
 *	library hostlib/libmpfr.so.4: system library /usr/lib/x86_64-linux-gnu/
 *		libmpfr.so.6, sha256 HEX
 *	program gcc-7.3.0-nolibc/.../cc1: runpath $ORIGIN/../../../../hostlib,
 *		sha256 HEX before, HEX after
 *
 * A changed program becomes a new file, so other toolchains that share the old
 * file by hard links are unaffected.
 *
 * Returns 0 if all libraries that a build needs are present; -ENOENT if one of
 * them was not found; -ENOEXEC if a library does not work, with the message of
 * the loader or compiler in `err`; -EINVAL for a damaged or unsuitable file or
 * package; -ENOPKG if patchelf is needed and not installed.  With -ENOENT,
 * `err` names the library, its users, and the remedies: another release, or the
 * options --library and --deb.  After a failure the caller must remove `dir`.
 */
int toolchain_hostlib_provide(const char *dir,
			      const struct toolchain_release *release,
			      const struct toolchain_missing_list *missing,
			      const struct strv *files, const struct strv *debs,
			      struct strv *log, struct err *err);

/* The rest of this header is for hostlib.c and hostlib-provide.c only. */

/*
 * List the programs below `dir` that name a loader in their ELF header and run
 * on this machine, and the linker's plugins.  Both lists are sorted and contain
 * paths that begin with `dir`.  Symbolic links are not followed; each hard link
 * is listed.
 *
 * Returns 0, or a negative errno with `err` set.
 */
int toolchain_hostlib_list_programs(const char *dir, struct strv *programs,
				    struct strv *plugins, struct err *err);

/* Return true if a kernel build calls the program (unlike gdb or gcov). */
bool toolchain_hostlib_is_build_tool(const char *path);

struct toolchain_runpath_change {
	bool changed; /* false: the library path had the element already */
	struct digest before, after;
};

/*
 * Append `element` ("$ORIGIN/../hostlib") to the DT_RUNPATH of `file`, a
 * program or a library.  If `file` has only a DT_RPATH, `element` is appended
 * to DT_RPATH, because the loader searches DT_RPATH for indirect dependencies
 * as well.
 *
 * The program patchelf writes a new file, which then replaces `file`.  Other
 * hard links to the old file are unaffected.  Permissions and times are
 * preserved.
 *
 * Returns 0; -ENOPKG if patchelf is not installed; -ENOEXEC if patchelf fails
 * or changes more than the library path; or another negative errno.  On failure
 * the file is unchanged and `err` names it.
 */
int toolchain_runpath_add(const char *file, const char *element,
			  struct toolchain_runpath_change *out,
			  struct err *err);

/* Limits for the unpacked content of a package. */
#define TOOLCHAIN_DEB_FILES_MAX 256
#define TOOLCHAIN_DEB_BYTES_MAX (512u << 20)

/*
 * Extract the shared libraries of the Debian package `file` into the existing
 * directory `dir`.
 *
 * A package (deb(5)) is an ar archive with debian-binary, control.tar.* and
 * data.tar.*.  Files of data.tar.* whose names look like those of shared
 * libraries are written to `dir` without their directories and with mode 0644.
 * Links between them are reduced to the last component of their target.  Of
 * several files with the same name, the first is written.  No code of the
 * package runs.
 *
 * Returns the number of entries written (0: no library), -EINVAL for a file
 * that is not a package or is damaged, -E2BIG beyond the limits above, or the
 * error of reading or writing; `err` names the package.
 */
int toolchain_hostlib_extract_deb(const char *file, const char *dir,
				  struct err *err);

#endif
