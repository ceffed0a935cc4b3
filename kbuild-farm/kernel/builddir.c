/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/builddir.h"

#include "base/digest.h"
#include "base/fs.h"
#include "base/task.h"
#include "base/vec.h"
#include "kernel/arch.h"
#include "kernel/environ.h"
#include "kernel/plan.h"
#include "kernel/rundir.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define WAIT_US 200000 /* between two attempts to take a lock */
/* maximum number of attempts to lock a directory that is being removed */
#define REMOVALS_MAX 100
/* number of digest digits at the end of a directory name */
#define DIGITS 8

/* ---- lock ---- */

/*
 * Return the path, in the runtime directory `base`, of the note about the
 * process that holds the lock of the directory `fd`.  Returns NULL if `fd`
 * cannot be queried.  The caller frees the path.
 */
static char *note_path(const char *base, int fd)
{
	struct stat st;

	if (fstat(fd, &st))
		return NULL;
	return xasprintf("%s/locks/%llx-%llx", base,
			 (unsigned long long)st.st_dev,
			 (unsigned long long)st.st_ino);
}

/* Processes that use a directory; a PID is 0 if no such process runs. */
struct dir_user {
	pid_t kfarm; /* holder of the lock */
	pid_t make; /* make that a running or killed kfarm started */
};

/*
 * Find the processes that use the directory `fd`.  Search the notes in all
 * runtime directories, because the runtime directory of a login session, for
 * instance, differs from that of a cron job.
 */
static struct dir_user find_dir_user(int fd)
{
	struct dir_user user = { 0 };
	struct strv bases = { 0 };

	fs_runtime_dirs(&bases);
	for (size_t i = 0; i < bases.n; i++) {
		char *path = note_path(bases.v[i], fd);
		struct kernel_rundir_note n;

		if (path && kernel_rundir_note_read(path, &n)) {
			if (!user.kfarm && kernel_rundir_note_is_running(&n))
				user.kfarm = n.pid;
			if (!user.make)
				user.make = kernel_rundir_make_pid(n.pid);
		}
		free(path);
	}
	strv_release(&bases);
	return user;
}

/*
 * Write the note about this process, the holder of the lock.  Notes of killed
 * holders in other runtime directories are removed.  Returns the path, which
 * the caller frees, or NULL if there is no runtime directory.
 */
static char *write_note(int fd)
{
	struct strv bases = { 0 };
	char *base, *dir, *path = NULL;
	struct err ignored;

	fs_runtime_dirs(&bases);
	for (size_t i = 0; i < bases.n; i++) {
		char *old = note_path(bases.v[i], fd);

		if (old)
			unlink(old);
		free(old);
	}
	strv_release(&bases);
	if (fs_runtime_dir(&base, &ignored))
		return NULL;
	dir = xasprintf("%s/locks", base);
	if (!fs_mkdirs(dir, 0700, &ignored))
		path = note_path(base, fd);
	if (path)
		kernel_rundir_note_write(path, getpid());
	free(dir);
	free(base);
	return path;
}

int kernel_lock_take(struct kernel_lock *l, const char *dir, struct err *err)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct dir_user user;
	bool locked, supported;
	int ret = 0;

	*l = (struct kernel_lock){ .fd = -1 };
	if (fd < 0)
		return err_errno(err, "%s", dir);
	locked = !flock(fd, LOCK_EX | LOCK_NB);
	supported = locked || errno == EWOULDBLOCK;
	user = find_dir_user(fd);
	/* On a file system without locks, only the note shows the holder. */
	if (!supported)
		locked = !user.kfarm;
	if (!locked) {
		if (user.kfarm)
			ret = err_set(
				err, EBUSY,
				"%s: in use by another build: kfarm, process "
				"%d",
				dir, (int)user.kfarm);
		else
			ret = err_set(err, EBUSY, "%s: in use by another build",
				      dir);
	} else if (user.make) {
		/* kfarm was killed, but its make still runs. */
		ret = err_set(
			err, EBUSY,
			"%s: in use by another build: make, process %d (`kill "
			"%d` ends it)",
			dir, (int)user.make, (int)user.make);
	} else if (!fs_is_open_as(fd, AT_FDCWD, dir, 0)) {
		ret = err_set(err, ENOENT, "%s: removed by another process",
			      dir);
	}
	if (ret) {
		close(fd);
		return ret;
	}
	l->fd = fd;
	l->holder_path = write_note(fd);
	return 0;
}

/*
 * Create `dir` unless it exists, and lock it.  If `on_wait` is not NULL, wait
 * for the lock (see kernel_builddir_lock()).
 */
static int create_and_lock(struct kernel_lock *l, const char *dir,
			   void (*on_wait)(void *ctx, const char *text),
			   void *ctx, struct err *err)
{
	struct err last = { 0 };
	int ret, n_removed = 0;

	for (;;) {
		ret = fs_mkdirs(dir, 0777, err);
		if (!ret)
			ret = kernel_lock_take(l, dir, err);
		/* `kfarm clean` removed the directory after fs_mkdirs(). */
		if (ret == -ENOENT && n_removed++ < REMOVALS_MAX)
			continue;
		if (ret == -EBUSY && !on_wait) {
			last = *err;
			return err_set(err, EBUSY,
				       "%s; `kfarm build --wait` waits for it",
				       last.text);
		}
		if (ret != -EBUSY)
			return ret;
		if (strcmp(last.text, err->text))
			on_wait(ctx, err->text);
		last = *err;
		*err = (struct err){ 0 };
		usleep(WAIT_US);
	}
}

/*
 * Read the notes about the processes that use the directory.  Do not try to
 * take the lock, because a build that starts during the attempt could then
 * fail.
 */
bool kernel_lock_is_held(const char *dir)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct dir_user user;

	if (fd < 0)
		return false;
	user = find_dir_user(fd);
	close(fd);
	return user.kfarm || user.make;
}

void kernel_lock_release(struct kernel_lock *l)
{
	if (l->fd < 0)
		return;
	if (l->holder_path)
		unlink(l->holder_path);
	free(l->holder_path);
	close(l->fd);
	*l = (struct kernel_lock){ .fd = -1 };
}

/* ---- build directory ---- */

/*
 * Variables with which the user can name the build directory, in order of
 * precedence.  If `inherited` is set, the variable is read from the
 * environment, otherwise from make's command line.  `variable` is the variable
 * that passes the directory on make's command line; NULL means that make itself
 * reads the directory from the environment.
 */
static const struct {
	const char *name;
	bool inherited;
	const char *variable;
} dir_variables[] = {
	{ "O", false, "O" },
	{ "KBUILD_OUTPUT", false, "KBUILD_OUTPUT" },
	{ "KBUILD_OUTPUT", true, NULL },
	/* make reads O only from its command line, so kfarm passes it there. */
	{ "O", true, "O" },
};

/*
 * If one command makes several builds, append the subdirectory of this build to
 * `dir`, because the builds cannot share a directory.  Takes ownership of
 * `dir`.  The caller frees the result.
 */
static char *append_part_name(char *dir, const struct kconfig_request *r)
{
	char *part;

	if (!dir || !r->part_name)
		return dir;
	part = xasprintf("%s/%s", dir, r->part_name);
	free(dir);
	return part;
}

/*
 * Return the absolute path of the directory given by -b, or NULL without -b.
 * If the command makes several builds, the path includes the subdirectory of
 * this build.  The caller frees the path.
 */
static char *requested_dir(const struct kconfig_request *r)
{
	return r->build_dir ?
		       append_part_name(fs_make_absolute(r->build_dir), r) :
		       NULL;
}

/*
 * Return the directory that the user names, else p->prepared_dir (may be NULL).
 * *variable is as in struct kernel_builddir.  A relative path in a variable is
 * relative to the tree, as for `make -C TREE O=DIR`.  The caller frees the
 * result.
 */
static char *given_dir(const struct kernel_plan *p, const char **variable)
{
	const char *dir = NULL;

	*variable = "O";
	if (p->request->build_dir)
		return requested_dir(p->request);
	for (size_t i = 0; !dir && i < ARRAY_SIZE(dir_variables); i++) {
		dir = kernel_environ_value(
			dir_variables[i].inherited ?
				p->env :
				strv_list(&p->request->variables),
			dir_variables[i].name);
		*variable = dir_variables[i].variable;
	}
	if (!dir && p->prepared_dir)
		*variable = "O";
	if (!dir)
		return p->prepared_dir ? xstrdup(p->prepared_dir) : NULL;
	/*
	 * The environment names only the parent of this build's directory, so
	 * pass the directory as O=.
	 */
	if (p->request->part_name && !*variable)
		*variable = "O";
	return append_part_name(
		dir[0] == '/' ? xstrdup(dir) : xasprintf("%s/%s", p->tree, dir),
		p->request);
}

static void strip_slashes(char *dir)
{
	for (size_t n = strlen(dir); n > 1 && dir[n - 1] == '/'; n--)
		dir[n - 1] = '\0';
}

/*
 * Return true if -b, relative to the working directory, and the value of O=,
 * relative to the tree, name the same directory.  The directory need not exist.
 */
static bool is_requested_dir(const struct kernel_plan *p, const char *value)
{
	char *a = fs_make_absolute(p->request->build_dir), *dir_a;
	char *b = str_join_path(p->tree, value), *dir_b;
	bool same;

	strip_slashes(a);
	strip_slashes(b);
	dir_a = str_dir(a);
	dir_b = str_dir(b);
	same = fs_is_same_dir(a, b) || (fs_is_same_dir(dir_a, dir_b) &&
					!strcmp(str_base(a), str_base(b)));
	free(dir_b);
	free(dir_a);
	free(b);
	free(a);
	return same;
}

/* Reject -b if a variable on the command line names another directory. */
static int check_single_dir(const struct kernel_plan *p, struct err *err)
{
	const struct kconfig_request *r = p->request;

	for (size_t i = 0; r->build_dir && i < ARRAY_SIZE(dir_variables); i++) {
		const char *name = dir_variables[i].name, *value = NULL;

		if (!dir_variables[i].inherited)
			value = kernel_environ_value(strv_list(&r->variables),
						     name);
		if (value && !is_requested_dir(p, value))
			return err_set(err, EINVAL,
				       "-b %s conflicts with %s=%s",
				       r->build_dir, name, value);
	}
	return 0;
}

/*
 * Reject a directory such as /usr, which has entries like "include" and "lib",
 * but is not a build directory.  Any build directory with such entries also has
 * a .config, the link `source`, include/config or include/generated, because
 * make creates these first.
 */
static int check_no_foreign_files(const char *dir, struct err *err)
{
	static const char *const names[] = {
		"Makefile", "arch", "include", "kernel", "lib", "scripts",
	};
	char *config = xasprintf("%s/.config", dir);
	const char *foreign = NULL;
	char *source = xasprintf("%s/source", dir);
	struct stat st;
	bool is_new = !fs_exists(config) &&
		      !(lstat(source, &st) == 0 && S_ISLNK(st.st_mode)) &&
		      !fs_exists_in(dir, "include/config") &&
		      !fs_exists_in(dir, "include/generated");

	if (fs_is_dir(config))
		foreign = ".config";
	for (size_t i = 0; is_new && !foreign && i < ARRAY_SIZE(names); i++)
		foreign = fs_exists_in(dir, names[i]) ? names[i] : NULL;
	free(config);
	free(source);
	if (!foreign)
		return 0;
	return err_set(err, EEXIST,
		       "build directory %s: contains %s, which kbuild did not "
		       "create; choose another directory",
		       dir, foreign);
}

/*
 * Append up to 40 characters of `word`.  Replace unsuitable characters by '_'.
 */
static void add_safe_word(struct buf *out, const char *word)
{
	for (size_t n = 0; n < 40 && word[n]; n++) {
		unsigned char c = (unsigned char)word[n];
		bool fine = isalnum(c) || strchr("+._-", c);

		buf_printf(out, "%c", fine && !(n == 0 && c == '.') ? c : '_');
	}
}

void kernel_builddir_add_name(struct buf *out, const char *path)
{
	const char *base = str_base(path);
	size_t n = strlen(base);
	char *word;

	if (n > 7 && str_ends(base, ".config"))
		n -= 7;
	word = xstrndup(base, n);
	add_safe_word(out, word);
	free(word);
}

/*
 * Append the name of the configuration of -k and the names of the first three
 * arguments of -K, each as kernel_builddir_add_name() writes it.
 */
static void add_config_names(struct buf *out, const struct kconfig_request *r)
{
	kernel_builddir_add_name(out, r->kconfig ? r->kconfig : "defconfig");
	for (size_t i = 0; i < r->fragments.n && i < 3; i++) {
		buf_add_str(out, "+");
		kernel_builddir_add_name(out, r->fragments.v[i]);
	}
}

/*
 * Return the path of the default build directory.  The digits of a digest at
 * the end of its name distinguish directories whose names are equal otherwise.
 * The caller frees the path.
 */
static char *default_dir_of(const struct kernel_plan *p)
{
	const struct kconfig_request *r = p->request;
	struct buf key = { 0 }, name = { 0 };
	char *cache = fs_cache_home(), *dir;
	char *compiler = xasprintf("%s-%s", str_base(p->compiler.name),
				   p->compiler.version);
	char hex[DIGEST_HEX];
	struct digest d;

	buf_put_str(&key, p->tree);
	buf_put_str(&key, p->arch.arch);
	buf_put_str(&key, compiler);
	buf_put_str(&key, r->kconfig ? r->kconfig : "");
	for (size_t i = 0; i < r->fragments.n; i++)
		buf_put_str(&key, r->fragments.v[i]);
	digest_bytes(buf_bytes(&key), &d);
	digest_format(&d, hex);

	add_safe_word(&name, str_base(p->tree));
	buf_printf(&name, "-%s-", p->arch.arch);
	add_config_names(&name, r);
	buf_add_str(&name, "-");
	add_safe_word(&name, compiler);
	dir = xasprintf("%s/build/%s-%.*s", cache, buf_str(&name), DIGITS, hex);
	buf_release(&name);
	buf_release(&key);
	free(compiler);
	free(cache);
	return dir;
}

bool kernel_builddir_is_default_name(const char *name)
{
	size_t n = strlen(name);

	return n > DIGITS + 1 && name[0] != '.' &&
	       name[n - DIGITS - 1] == '-' &&
	       strspn(name + n - DIGITS, "0123456789abcdef") == DIGITS;
}

/*
 * Before the build starts, reject a source tree that is not clean.  The tree's
 * Makefile would reject it later.
 */
static int check_clean(const struct kernel_plan *p, struct err *err)
{
	char *generated = xasprintf("arch/%s/include/generated",
				    p->arch.srcarch);
	bool unclean = fs_exists_in(p->tree, ".config") ||
		       fs_exists_in(p->tree, "include/config") ||
		       fs_exists_in(p->tree, generated);

	free(generated);
	if (!unclean)
		return 0;
	return err_set(
		err, EINVAL,
		"%s: source tree is not clean; run `make ARCH=%s mrproper` in "
		"it",
		p->tree, p->arch.arch);
}

static int check_path_chars(const char *what, const char *path, struct err *err)
{
	if (!strpbrk(path, " \t\n:$"))
		return 0;
	return err_set(err, EINVAL,
		       "%s %s: make does not support paths with spaces, colons "
		       "or dollar signs",
		       what, path);
}

/*
 * Reject a build directory of the user that does not exist yet and whose path
 * could be that of a default build directory.  `kfarm clean` would treat the
 * directory as a default one, and could remove it.
 */
static int check_not_default_name(const char *dir, struct err *err)
{
	char *cache = fs_cache_home(), *top = xasprintf("%s/build", cache);
	char *parent = str_dir(dir);
	bool reserved = kernel_builddir_is_default_name(str_base(dir)) &&
			fs_is_same_dir(parent, top) && !fs_exists(dir);

	free(parent);
	free(top);
	free(cache);
	if (!reserved)
		return 0;
	return err_set(err, EINVAL,
		       "build directory %s: `kfarm clean` removes directories "
		       "with such names; choose another name",
		       dir);
}

int kernel_builddir_find(struct kernel_builddir *out,
			 const struct kernel_plan *p, struct err *err)
{
	char *dir = given_dir(p, &out->variable);
	int ret;

	out->kind = KERNEL_BUILDDIR_GIVEN;
	if (dir && fs_is_same_dir(dir, p->tree)) {
		out->kind = KERNEL_BUILDDIR_IN_TREE;
		/* Without KBUILD_OUTPUT, make builds in the tree by default. */
		if (!kernel_environ_value(p->env, "KBUILD_OUTPUT"))
			out->variable = NULL;
		free(dir);
		dir = xstrdup(p->tree);
	} else if (dir) {
		strip_slashes(dir);
	} else if (p->source.dir) {
		out->kind = KERNEL_BUILDDIR_DEFAULT;
		dir = xasprintf("%s/build", p->source.dir);
	} else if (!p->request->part_name && fs_exists_in(p->tree, ".config")) {
		out->kind = KERNEL_BUILDDIR_IN_TREE;
		out->variable = NULL;
		dir = xstrdup(p->tree);
	} else {
		out->kind = KERNEL_BUILDDIR_DEFAULT;
		dir = default_dir_of(p);
	}
	ret = check_single_dir(p, err);
	if (!ret)
		ret = check_path_chars("source tree", p->tree, err);
	if (!ret)
		ret = check_path_chars("build directory", dir, err);
	if (!ret && out->kind == KERNEL_BUILDDIR_GIVEN)
		ret = check_not_default_name(dir, err);
	if (!ret && out->kind == KERNEL_BUILDDIR_GIVEN && !p->prepared_dir)
		ret = check_no_foreign_files(dir, err);
	if (!ret && out->kind != KERNEL_BUILDDIR_IN_TREE)
		ret = check_clean(p, err);
	if (ret) {
		free(dir);
		dir = NULL;
	}
	out->dir = dir;
	return ret;
}

static bool has_objects(const char *dir)
{
	struct strv names = { 0 };
	bool found = false;

	fs_list(dir, &names);
	for (size_t i = 0; i < names.n && !found; i++)
		found = str_ends(names.v[i], ".o") ||
			str_ends(names.v[i], ".s") ||
			str_ends(names.v[i], ".a");
	strv_release(&names);
	return found;
}

bool kernel_builddir_is_fresh(const struct kernel_plan *p)
{
	/*
	 * Objects in these directories do not belong to the kernel.  Even
	 * configuration targets compile objects in scripts/.
	 */
	static const char others[] = "scripts tools source Documentation";
	struct strv names = { 0 };
	bool fresh = true;

	if (p->module.dir)
		return !has_objects(p->module.output_dir ?
					    p->module.output_dir :
					    p->module.dir);
	fs_list(p->builddir.dir, &names);
	for (size_t i = 0; i < names.n && fresh; i++) {
		char *path = kernel_plan_path(p, names.v[i]);

		fresh = str_list_has(others, ' ', names.v[i]) ||
			!(fs_is_dir(path) ? has_objects(path) :
					    !strcmp(names.v[i], "vmlinux"));
		free(path);
	}
	strv_release(&names);
	return fresh;
}

int kernel_builddir_lock(struct kernel_lock *l, const struct kernel_plan *p,
			 void (*on_wait)(void *ctx, const char *text),
			 void *ctx, struct err *err)
{
	int ret = create_and_lock(l, p->builddir.dir, on_wait, ctx, err);

	if (ret && ret != -EBUSY)
		err_wrap(err, "build directory");
	if (!ret && p->builddir.kind == KERNEL_BUILDDIR_DEFAULT)
		futimens(l->fd, NULL);
	return ret;
}

/* ---- source worktree ---- */

/*
 * Return the value of a variable from the command line, else from the
 * environment, or "".
 */
static const char *make_variable(const struct kconfig_request *r,
				 char *const *env, const char *name)
{
	const char *value = kernel_environ_value(strv_list(&r->variables),
						 name);

	value = value ? value : kernel_environ_value(env, name);
	return value ? value : "";
}

/*
 * Return the name of the worktree for the request `r`.  The digits of a digest
 * at its end distinguish worktrees whose names are equal otherwise.  The caller
 * frees the name.
 */
static char *worktree_name(const struct kconfig_request *r, char *const *env)
{
	static const char *const names[] = { "CROSS_COMPILE", "LLVM", "CC" };
	const char *arch = r->arch ? r->arch : make_variable(r, env, "ARCH");
	/*
	 * The nightly job "JOB" and "JOB/bisect", its search for a bad
	 * revision, share a worktree.
	 */
	char *job = r->nightly ?
			    xstrndup(r->nightly, strcspn(r->nightly, "/")) :
			    NULL;
	struct buf words = { 0 }, name = { 0 };
	char host[32], hex[DIGEST_HEX];
	struct digest d;

	kernel_arch_host(host);
	buf_put_str(&words, *arch ? arch : host);
	buf_put_str(&words, r->toolchain ? r->toolchain : "");
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		buf_put_str(&words, make_variable(r, env, names[i]));
	buf_put_str(&words, r->kconfig ? r->kconfig : "");
	for (size_t i = 0; i < r->fragments.n; i++)
		buf_put_str(&words, r->fragments.v[i]);
	if (job)
		buf_put_str(&words, job);
	digest_bytes(buf_bytes(&words), &d);
	digest_format(&d, hex);

	kernel_builddir_add_name(&name, *arch ? arch : host);
	buf_add_str(&name, "-");
	add_config_names(&name, r);
	if (r->toolchain) {
		buf_add_str(&name, "-");
		kernel_builddir_add_name(&name, r->toolchain);
	}
	if (job)
		buf_printf(&name, "-%s", job);
	buf_printf(&name, "-%.*s", DIGITS, hex);
	buf_release(&words);
	free(job);
	return buf_steal(&name);
}

int kernel_source_acquire(struct kernel_source *s,
			  const struct kconfig_request *r, char *const *env,
			  struct err *err)
{
	char *name, *build_dir;
	int ret;

	*s = (struct kernel_source){ .lock = { .fd = -1 } };
	ret = tree_datadir_open(&s->datadir, r->tree, TREE_LOCK_READ, err);
	if (ret)
		return ret;
	name = worktree_name(r, env);
	s->dir = xasprintf("%s/worktrees/%s", s->datadir.dir, name);
	free(name);
	ret = create_and_lock(&s->lock, s->dir, r->on_wait, r->wait_ctx, err);
	if (!ret) {
		futimens(s->lock.fd, NULL);
		build_dir = r->build_dir ? requested_dir(r) :
					   xasprintf("%s/build", s->dir);
		ret = tree_worktree_checkout(
			&s->worktree,
			&(struct tree_worktree_setup){
				.repository = s->datadir.repository,
				.rev = r->rev,
				.dir = s->dir,
				.build_dir = build_dir,
				.on_progress = r->on_checkout_progress,
				.ctx = r->checkout_ctx,
			},
			err);
		free(build_dir);
	}
	if (ret)
		err_wrap(err, "tree %s", r->tree);
	return ret;
}

void kernel_source_release(struct kernel_source *s)
{
	if (s->dir)
		kernel_lock_release(&s->lock);
	tree_datadir_release(&s->datadir);
	tree_worktree_release(&s->worktree);
	free(s->dir);
	*s = (struct kernel_source){ 0 };
}

int kernel_source_set_last_build(const struct kernel_source *s,
				 const char *output, struct err *err)
{
	char *link = xasprintf("%s/last-build", s->datadir.dir);
	char *part = xasprintf("%s.%d", link, (int)getpid());
	int ret = 0;

	unlink(part);
	if (symlink(output, part) || rename(part, link)) {
		ret = err_errno(err, "%s", link);
		unlink(part);
	}
	free(part);
	free(link);
	return ret;
}

static void check_tree_dirty(void *arg)
{
	struct kernel_source_dirty_check *d = arg;

	d->ret = tree_dirty_read(&d->result, d->tree, &d->cancelled, &d->err);
}

static void on_dirty_check_end(void *arg)
{
	struct kernel_source_dirty_check *d = arg;

	d->task = NULL;
	free(d->tree);
	d->tree = NULL;
}

void kernel_source_start_dirty_check(struct kernel_source_dirty_check *d,
				     struct event_base *base,
				     const struct kernel_plan *plan)
{
	if (plan->source.dir) {
		d->result.valid = true;
		return;
	}
	if (!plan->rev.commit)
		return;
	d->tree = xstrdup(plan->tree);
	d->task = task_start_notify(base, check_tree_dirty, on_dirty_check_end,
				    d);
}

int kernel_source_end_dirty_check(struct kernel_source_dirty_check *d,
				  bool stop)
{
	if (!d->task)
		return d->ret;
	if (stop)
		atomic_store(&d->cancelled, true);
	task_join(d->task);
	on_dirty_check_end(d);
	return d->ret;
}
