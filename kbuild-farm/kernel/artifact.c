/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/artifact.h"

#include "base/clock.h"
#include "base/elf.h"
#include "base/fs.h"
#include "base/replace.h"
#include "base/task.h"
#include "base/vec.h"
#include "base/which.h"
#include "kernel/archive.h"
#include "kernel/environ.h"
#include "kernel/progress.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int read_sections(struct kernel_elfsize *out, int fd)
{
	uint8_t section[ELF_ENTRY_MAX];
	struct elf_file f;

	if (!elf_open(&f, fd) ||
	    f.sections.entry_bytes !=
		    (f.is_64bit ? sizeof(Elf64_Shdr) : sizeof(Elf32_Shdr)))
		return -ENOEXEC;
	for (unsigned i = 0; i < f.sections.n_entries; i++) {
		uint64_t flags, size;

		if (!elf_read_entry(&f, &f.sections, i, section))
			return -ENOEXEC;
		flags = ELF_FIELD(&f, section, Shdr, sh_flags);
		size = ELF_FIELD(&f, section, Shdr, sh_size);
		if (!(flags & SHF_ALLOC))
			continue;
		if ((flags & SHF_EXECINSTR) || !(flags & SHF_WRITE))
			out->text_bytes += size;
		else if (ELF_FIELD(&f, section, Shdr, sh_type) == SHT_NOBITS)
			out->bss_bytes += size;
		else
			out->data_bytes += size;
	}
	return 0;
}

int kernel_elfsize_read(struct kernel_elfsize *out, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), ret;
	struct stat st;

	*out = (struct kernel_elfsize){ 0 };
	if (fd < 0)
		return -errno;
	ret = read_sections(out, fd);
	if (ret)
		*out = (struct kernel_elfsize){ 0 };
	else if (!fstat(fd, &st))
		out->file_bytes = (uint64_t)st.st_size;
	close(fd);
	return ret;
}

/*
 * Level 1 keeps the load of the build host low.  With several threads, liblzma
 * compresses blocks whose size depends only on the level, so the output does
 * not depend on the number of CPUs.
 */
#define XZ_OPTIONS "xz:compression-level=1,xz:threads=4"

struct packer {
	struct archive *archive;
	const char *out;
	long long mtime_s;
	struct strv *names; /* receives the names of the entries; may be NULL */
	const atomic_bool *cancel;
	struct err *err;
};

/* Set p->err to the error of the last libarchive call, and name the archive. */
static int archive_failed(struct packer *p)
{
	int code = archive_errno(p->archive);
	const char *why = archive_error_string(p->archive);

	if (code > 0)
		return err_set(p->err, code, "%s: %s", p->out, strerror(code));
	return err_set(p->err, EIO, "%s: %s", p->out,
		       why ? why : "cannot write archive");
}

static int copy_content(struct packer *p, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char block[1 << 16];
	ssize_t n;
	int ret = 0;

	if (fd < 0)
		return err_errno(p->err, "%s", path);
	while (!ret && (n = read(fd, block, sizeof(block))) != 0) {
		if (n < 0)
			ret = err_errno(p->err, "%s", path);
		else if (atomic_load(p->cancel))
			ret = -ECANCELED;
		else if (archive_write_data(p->archive, block, (size_t)n) < 0)
			ret = archive_failed(p);
	}
	close(fd);
	return ret;
}

static int add_entry(struct packer *p, const char *path, const char *name,
		     const struct stat *st)
{
	struct archive_entry *e = archive_entry_new();
	unsigned mode = 0644;
	char to[PATH_MAX];
	ssize_t n;
	int ret = 0;

	/* Use fixed modes: the files' own modes depend on the umask. */
	if (S_ISLNK(st->st_mode))
		mode = 0777;
	else if (S_ISDIR(st->st_mode) || (st->st_mode & 0100))
		mode = 0755;
	archive_entry_set_pathname(e, name);
	archive_entry_set_filetype(e, st->st_mode & S_IFMT);
	archive_entry_set_perm(e, mode);
	archive_entry_set_mtime(e, (time_t)p->mtime_s, 0);
	if (S_ISREG(st->st_mode))
		archive_entry_set_size(e, st->st_size);
	if (S_ISLNK(st->st_mode)) {
		n = readlink(path, to, sizeof(to) - 1);
		if (n < 0) {
			ret = err_errno(p->err, "%s", path);
		} else {
			to[n] = '\0';
			archive_entry_set_symlink(e, to);
		}
	}
	if (!ret && archive_write_header(p->archive, e) != ARCHIVE_OK)
		ret = archive_failed(p);
	if (!ret && S_ISREG(st->st_mode))
		ret = copy_content(p, path);
	if (!ret && p->names && !S_ISDIR(st->st_mode))
		strv_add(p->names, name);
	archive_entry_free(e);
	return ret;
}

static bool is_build_host_link(const char *name, const struct stat *st)
{
	return S_ISLNK(st->st_mode) && str_starts(name, "lib/modules/") &&
	       (str_ends(name, "/build") || str_ends(name, "/source"));
}

static int compare_names(const FTSENT **a, const FTSENT **b)
{
	return strcmp((*a)->fts_name, (*b)->fts_name);
}

static int add_tree(struct packer *p, const char *dir, const char *name)
{
	char *top = xasprintf("%s/%s", dir, name);
	char *const tops[] = { top, NULL };
	FTS *tree = fts_open(tops, FTS_PHYSICAL | FTS_NOCHDIR, compare_names);
	FTSENT *at;
	int ret = 0;

	while (!ret && tree && (at = fts_read(tree)) != NULL) {
		const char *path = at->fts_path;

		name = path + strlen(dir) + 1;
		if (at->fts_info == FTS_DNR || at->fts_info == FTS_ERR ||
		    at->fts_info == FTS_NS)
			ret = err_set(p->err, at->fts_errno, "%s: %s", path,
				      strerror(at->fts_errno));
		else if (at->fts_info != FTS_DP &&
			 !is_build_host_link(name, at->fts_statp))
			ret = add_entry(p, path, name, at->fts_statp);
	}
	if (!ret && errno)
		ret = err_errno(p->err, "%s", top);
	if (tree)
		fts_close(tree);
	free(top);
	return ret;
}

int kernel_artifact_write_tar(const char *dir, const char *name, long long when,
			      const char *out, struct strv *names,
			      const atomic_bool *cancel, struct err *err)
{
	struct packer p = { .archive = archive_write_new(),
			    .out = out,
			    .mtime_s = when,
			    .names = names,
			    .cancel = cancel,
			    .err = err };
	struct err ignored;
	struct replace r;
	int ret = replace_open(&r, out, 0666, err);

	if (!ret && archive_write_set_format_gnutar(p.archive) == ARCHIVE_OK &&
	    archive_write_add_filter_xz(p.archive) == ARCHIVE_OK &&
	    archive_write_set_options(p.archive, XZ_OPTIONS) == ARCHIVE_OK)
		archive_write_open_fd(p.archive, r.fd);
	if (!ret && archive_errno(p.archive))
		ret = archive_failed(&p);
	if (!ret)
		ret = add_tree(&p, dir, name);
	if (!ret && archive_write_close(p.archive) != ARCHIVE_OK)
		ret = archive_failed(&p);
	archive_write_free(p.archive);
	return r.fd < 0 ? ret : replace_close(&r, ret, ret ? &ignored : err);
}

/* State of one collection, shared with the thread that copies and packs. */
struct collector {
	struct kernel_artifacts *out;
	struct kernel_build_state *run;
	const struct kernel_target_outputs *outputs;
	atomic_bool cancel;
	bool finished; /* the thread has finished */
	/* no goal makes an artifact, so only the .config is copied */
	bool only_config;
	struct err *err;
	int ret;
};

static struct kernel_artifact *add_artifact_entry(struct kernel_artifacts *a,
						  const char *goal,
						  const char *from,
						  const char *file)
{
	struct kernel_artifact *new = VEC_ADD(a->v, a->n);

	new->goal = xstrdup(goal);
	new->source_path = xstrdup(from);
	new->file = xstrdup(file);
	return new;
}

void kernel_artifact_add_copy(struct kernel_artifacts *a, const char *goal,
			      const char *from, const char *file)
{
	add_artifact_entry(a, goal, from, file);
}

void kernel_artifact_mark_moved(struct kernel_artifacts *a)
{
	a->v[a->n - 1].moved = true;
}

void kernel_artifact_add_archive(struct kernel_artifacts *a, const char *goal,
				 const char *dir, const char *top,
				 const char *file)
{
	add_artifact_entry(a, goal, dir, file)->packed_dir = xstrdup(top);
}

char *kernel_artifact_stage_dir(const struct kernel_build_state *run,
				const char *goal)
{
	char *all = kernel_outdir_path(&run->outdir, KERNEL_OUTDIR_STAGE);
	char *dir = xasprintf("%s/%s", all, goal);

	free(all);
	return dir;
}

static void add_if_present(struct collector *c, const char *goal,
			   const char *name, const char *as)
{
	char *from = kernel_plan_path(c->run->plan, name);

	if (fs_exists(from))
		kernel_artifact_add_copy(c->out, goal, from, as);
	free(from);
}

/* ---- archives of installed files ---- */

static bool reuse_cached_archive(struct collector *c,
				 const struct kernel_archive *a,
				 const struct digest *key)
{
	char *to = kernel_outdir_path(&c->run->outdir, a->file);
	const json_t *about = NULL, *names;
	bool yes = kernel_archive_cache_copy(&c->run->archive_cache, a->file,
					     key, to, &about);

	if (yes) {
		struct kernel_artifact *new = add_artifact_entry(
			c->out, a->goal, "", a->file);

		new->present = true;
		names = json_object_get(about, "names");
		for (size_t i = 0; i < json_array_size(names); i++) {
			const char *name = json_string_value(
				json_array_get(names, i));

			if (name)
				strv_add(&new->archive_names, name);
		}
		c->out->n_cached++;
	}
	free(to);
	return yes;
}

static int install(struct collector *c, const char *goal, struct digest *key,
		   struct err *err)
{
	const struct kernel_archive *a = kernel_archive_find(goal);
	char *stage, *dir, *jobs, *setting;
	int ret;

	if (!kernel_archive_input_digest(a, c->run->plan, key))
		*key = (struct digest){ 0 };
	else if (reuse_cached_archive(c, a, key))
		return 0;
	stage = kernel_artifact_stage_dir(c->run, goal);
	dir = xasprintf("%s%s", stage, a->install_dir);
	jobs = xasprintf("-j%u", c->run->offload.local_slots);
	setting = xasprintf("%s=%s", a->variable, dir);
	ret = fs_mkdirs(dir, 0777, err);
	if (!ret)
		ret = kernel_build_run_make(
			c->run, (char *[]){ (char[]){ "-s" }, jobs, NULL },
			(char *[]){ setting, (char *)a->target, NULL }, err);
	if (!ret)
		kernel_artifact_add_archive(c->out, goal, stage, a->packed_dir,
					    a->file);
	free(setting);
	free(jobs);
	free(dir);
	free(stage);
	return ret;
}

/*
 * Unless the modules are external, modules_install copies modules.builtin,
 * which make creates together with vmlinux.  Without this file, `make modules`
 * succeeds, but modules_install fails.
 */
static bool can_install_modules(struct collector *c)
{
	const struct kernel_plan *p = c->run->plan;
	char *builtin = kernel_plan_path(p, "modules.builtin");
	bool yes = fs_exists(builtin) || kernel_plan_find_setting(p, "M") ||
		   !strstr(buf_str(&p->makefile_text), "modules.builtin");

	if (!yes)
		kernel_build_note(c->run,
				  "no modules.tar.xz: modules_install needs "
				  "modules.builtin; build vmlinux as well");
	free(builtin);
	return yes;
}

/*
 * `make headers` succeeds without rsync, but in some versions of Linux
 * headers_install runs rsync and fails without it.
 */
static bool can_install_headers(struct collector *c)
{
	const struct kernel_plan *p = c->run->plan;
	char *path = kernel_environ_path(&p->compiler.path_dirs, p->env);
	char *rsync = which("rsync", path);
	bool yes = rsync || !strstr(buf_str(&p->makefile_text), "rsync");

	if (!yes)
		kernel_build_note(c->run,
				  "no headers.tar.xz: rsync not found in PATH; "
				  "install the package rsync");
	free(rsync);
	free(path);
	return yes;
}

/*
 * Linux before 3.15 has no dtbs_install.  Copy its device trees as tuxmake
 * does.
 */
static int copy_dtbs(struct collector *c, struct err *err)
{
	char *name = xasprintf("arch/%s/boot/dts", c->run->plan->arch.srcarch);
	char *from = kernel_plan_path(c->run->plan, name);
	char *stage = kernel_artifact_stage_dir(c->run, "dtbs-legacy");
	char *const tops[] = { from, NULL };
	FTS *tree = fts_open(tops, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
	FTSENT *at;
	int ret = tree ? 0 : err_errno(err, "%s", from);

	while (!ret && (at = fts_read(tree)) != NULL) {
		char *to, *dir;

		if (at->fts_info != FTS_F || !str_ends(at->fts_name, ".dtb"))
			continue;
		to = xasprintf("%s/dtbs%s", stage, at->fts_path + strlen(from));
		dir = str_dir(to);
		ret = fs_mkdirs(dir, 0777, err);
		if (!ret)
			ret = fs_copy(at->fts_path, to, err);
		free(dir);
		free(to);
	}
	if (tree)
		fts_close(tree);
	if (!ret)
		kernel_artifact_add_archive(c->out, "dtbs-legacy", stage,
					    "dtbs", "dtbs.tar.xz");
	free(stage);
	free(from);
	free(name);
	return ret;
}

/*
 * Cache the archive of `goal` if the digest of its inputs is still `before`,
 * the digest at the start of the installation.
 */
static void cache_archive(struct collector *c, const char *goal,
			  const struct digest *before)
{
	const struct kernel_archive *a = kernel_archive_find(goal);
	struct digest now;

	for (size_t i = 0; i < c->out->n; i++) {
		const struct kernel_artifact *made = &c->out->v[i];
		char *path;

		if (strcmp(made->goal, goal) || !made->packed_dir ||
		    !made->present || !digest_is_set(before) ||
		    !kernel_archive_input_digest(a, c->run->plan, &now) ||
		    !digest_equal(before, &now))
			continue;
		path = kernel_outdir_path(&c->run->outdir, made->file);
		kernel_archive_cache_put(
			&c->run->archive_cache, a->file, before, path,
			json_pack("{s:o}", "names",
				  json_texts(&made->archive_names)));
		free(path);
	}
}

/* ---- sizes ---- */

static char *read_text_offset(const char *path)
{
	FILE *f = fopen(path, "re");
	char line[512], address[32], name[32], *out = NULL;

	while (f && !out && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%31s %*c %31s", address, name) == 2 &&
		    !strcmp(name, "_text"))
			out = xasprintf("0x%s", address);
	}
	if (f)
		fclose(f);
	return out;
}

static void add_size(struct collector *c, const char *name, bool elf)
{
	char *path = kernel_plan_path(c->run->plan, name);
	struct kernel_elfsize size = { 0 };
	struct stat st;

	if (elf)
		kernel_elfsize_read(&size, path);
	else if (!stat(path, &st))
		size.file_bytes = (uint64_t)st.st_size;
	if (size.file_bytes) {
		struct kernel_artifact_size *new = VEC_ADD(c->out->sizes,
							   c->out->n_sizes);

		new->name = xstrdup(name);
		new->size = size;
	}
	free(path);
}

static void measure_sizes(struct collector *c)
{
	const struct strv *images = &c->outputs->images;
	struct strv modules = { 0 };
	char *map = kernel_plan_path(c->run->plan, "System.map");

	if (c->outputs->kernel) {
		add_size(c, "vmlinux", true);
		c->out->text_offset = read_text_offset(map);
	}
	for (size_t i = 0; i < images->n; i++) {
		if (strcmp(images->v[i], "vmlinux"))
			add_size(c, images->v[i], false);
	}
	if (c->outputs->modules)
		kernel_archive_list_modules(c->run->plan, &modules);
	for (size_t i = 0; i < modules.n; i++)
		add_size(c, modules.v[i], true);
	strv_release(&modules);
	free(map);
}

const struct kernel_elfsize *kernel_artifact_find_size(
	const struct kernel_artifacts *a, const char *name)
{
	for (size_t i = 0; i < a->n_sizes; i++) {
		if (!strcmp(a->sizes[i].name, name))
			return &a->sizes[i].size;
	}
	return NULL;
}

/* ---- collection ---- */

static int make_artifact(struct collector *c, struct kernel_artifact *a)
{
	char *to = kernel_outdir_path(&c->run->outdir, a->file);
	char *top = a->packed_dir ?
			    xasprintf("%s/%s", a->source_path, a->packed_dir) :
			    NULL;
	int ret = 0;

	if (atomic_load(&c->cancel)) {
		ret = -ECANCELED;
	} else if (!a->packed_dir) {
		ret = fs_copy(a->source_path, to, c->err);
		a->present = !ret;
		if (!ret && a->moved)
			unlink(a->source_path);
	} else if (fs_is_dir(top)) {
		ret = kernel_artifact_write_tar(
			a->source_path, a->packed_dir,
			kernel_archive_timestamp(c->run->plan), to,
			&a->archive_names, &c->cancel, c->err);
		a->present = !ret;
		c->out->n_packed++;
	}
	free(top);
	free(to);
	return ret;
}

static void copy_and_pack(void *arg)
{
	struct collector *c = arg;

	for (size_t i = 0; !c->ret && i < c->out->n; i++) {
		if (!c->out->v[i].present)
			c->ret = make_artifact(c, &c->out->v[i]);
	}
	if (!c->ret)
		measure_sizes(c);
	/*
	 * Measuring the disk usage of the build directory takes longer than
	 * compiling one file, so a build without artifacts does not measure it.
	 */
	if (!c->ret && !c->only_config)
		c->out->build_dir_bytes = fs_disk_usage(
			c->run->plan->builddir.dir);
}

static void on_collection_finished(void *arg)
{
	struct collector *c = arg;

	c->finished = true;
}

/*
 * Copying a large vmlinux takes seconds, so a thread does it while the event
 * loop handles signals.
 */
static int collect_in_thread(struct collector *c)
{
	struct task *task = task_start_notify(c->run->base, copy_and_pack,
					      on_collection_finished, c);
	int ret;

	if (!task) {
		copy_and_pack(c);
		return c->ret;
	}
	ret = kernel_supervisor_wait(&c->run->supervisor, &c->finished);
	if (ret)
		atomic_store(&c->cancel, true);
	if (!c->finished)
		task_join(task);
	return ret ? ret : c->ret;
}

int kernel_artifact_collect(struct kernel_artifacts *out,
			    struct kernel_build_state *run,
			    const struct kernel_target_outputs *w,
			    struct err *err)
{
	struct collector c = {
		.out = out, .run = run, .outputs = w, .err = err
	};
	char *stage = kernel_outdir_path(&run->outdir, KERNEL_OUTDIR_STAGE);
	struct digest modules = { 0 }, dtbs = { 0 }, headers = { 0 };
	uint64_t began = clock_ms();
	struct err ignored;
	int ret = 0;

	c.only_config = !out->n && !w->images.n && !w->kernel && !w->modules &&
			!w->dtbs && !w->dtbs_legacy && !w->headers;
	if (!c.only_config)
		kernel_build_set_phase(run, KERNEL_PHASE_ARTIFACTS, NULL);
	add_if_present(&c, "config", ".config", "config");
	for (size_t i = 0; i < w->images.n; i++) {
		const char *image = w->images.v[i];

		if (strcmp(str_base(image), "vmlinux"))
			add_if_present(&c, "kernel", image, str_base(image));
	}
	if (w->kernel)
		add_if_present(&c, "debugkernel", "System.map", "System.map");
	if (w->kernel && !run->plan->request->no_vmlinux)
		add_if_present(&c, "debugkernel", "vmlinux", "vmlinux");

	if (w->modules && can_install_modules(&c))
		ret = install(&c, "modules", &modules, err);
	if (!ret && w->dtbs)
		ret = install(&c, "dtbs", &dtbs, err);
	if (!ret && w->dtbs_legacy)
		ret = copy_dtbs(&c, err);
	if (!ret && w->headers && can_install_headers(&c))
		ret = install(&c, "headers", &headers, err);
	if (!ret)
		ret = collect_in_thread(&c);
	if (!ret) {
		cache_archive(&c, "modules", &modules);
		cache_archive(&c, "dtbs", &dtbs);
		cache_archive(&c, "headers", &headers);
	}
	fs_remove(stage, &ignored);
	run->times.artifacts_ms += clock_ms() - began;
	free(stage);
	return ret;
}

void kernel_artifacts_release(struct kernel_artifacts *a)
{
	for (size_t i = 0; i < a->n; i++) {
		free(a->v[i].goal);
		free(a->v[i].file);
		free(a->v[i].source_path);
		free(a->v[i].packed_dir);
		strv_release(&a->v[i].archive_names);
	}
	for (size_t i = 0; i < a->n_sizes; i++)
		free(a->sizes[i].name);
	free(a->v);
	free(a->sizes);
	free(a->text_offset);
	*a = (struct kernel_artifacts){ 0 };
}
