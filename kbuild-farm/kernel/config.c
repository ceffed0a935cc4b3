/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/config.h"

#include "base/fs.h"
#include "base/state-file.h"
#include "kconfig/explain.h"
#include "kconfig/kconfig.h"
#include "kconfig/symbol.h"
#include "kernel/environ.h"
#include "kernel/internal.h"
#include "kernel/progress.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define STAMP_DIGIT  24
#define TEXT_MAX     700 /* bytes of settings listed in one error */
#define WARNINGS_MAX 10 /* maximum number of notes about rejected settings */

/*
 * Variables that kbuild documents and that cannot change the .config, because
 * neither Kconfig nor the rules that start Kconfig use them.  Any other
 * variable counts as an input of the .config, because a makefile of the tree
 * may use it.  ARCH is in this list because request_text() adds the
 * architecture itself.
 */
static const char unrelated_variables[] =
	"ARCH M MO KDIR KBUILD_EXTMOD KBUILD_EXTRA_SYMBOLS C CF CHECK "
	"KBUILD_CHECKSRC W KBUILD_EXTRA_WARN V KBUILD_VERBOSE "
	"KBUILD_MODPOST_WARN KBUILD_MODPOST_NOFINAL KBUILD_SYMTYPES "
	"KBUILD_BUILD_TIMESTAMP KBUILD_BUILD_VERSION KBUILD_BUILD_USER "
	"KBUILD_BUILD_HOST KBUILD_ABS_SRCTREE KBUILD_SIGN_PIN KBUILD_IMAGE "
	"KCFLAGS KCPPFLAGS KAFLAGS KRUSTFLAGS CFLAGS_KERNEL AFLAGS_KERNEL "
	"CFLAGS_MODULE AFLAGS_MODULE LDFLAGS_MODULE LDFLAGS_vmlinux DTC "
	"DTC_FLAGS CHECK_DTBS DT_SCHEMA_FILES LOCALVERSION INSTALL_PATH "
	"INSTALL_MOD_PATH INSTALL_MOD_STRIP INSTALL_HDR_PATH "
	"INSTALL_DTBS_PATH KDEB_PKGVERSION KDEB_COMPRESS KDOCFLAGS TARGETS "
	"SKIP_TARGETS";

/* Return the path of the record (kernel/config.h).  The caller frees it. */
static char *stamp_path(const char *build_dir)
{
	char hex[DIGEST_HEX], *cache = fs_cache_home(), *path;
	struct digest d;

	digest_bytes(bytes_str(build_dir), &d);
	digest_format(&d, hex);
	path = xasprintf("%s/config/%.*s", cache, STAMP_DIGIT, hex);
	free(cache);
	return path;
}

void kernel_config_forget(const char *build_dir)
{
	char *path = stamp_path(build_dir);

	unlink(path);
	free(path);
}

/*
 * Return true if `setting`, an assignment to a variable of make, cannot change
 * the .config; Kconfig then need not run.  The result is false for W=c, because
 * Kconfig must run to print the additional warnings.
 */
static bool is_unrelated(const char *setting)
{
	char *name = xstrndup(setting, kernel_environ_name_len(setting));
	bool warns = (!strcmp(name, "W") ||
		      !strcmp(name, "KBUILD_EXTRA_WARN")) &&
		     strchr(setting, 'c');
	bool unrelated = !warns && str_list_has(unrelated_variables, ' ', name);

	free(name);
	return unrelated;
}

/*
 * Add the variables that can change the .config.  Of the environment, add only
 * KBUILD_KCONFIG (the first Kconfig file), KBUILD_DEFCONFIG (the file for
 * "defconfig"), and the variables of Kconfig's programs, such as
 * KCONFIG_ALLCONFIG.  The variables that select a compiler or an architecture
 * are already in p->settings.
 */
static void add_variables(struct buf *out, const struct kernel_plan *p)
{
	struct strv found = { 0 };

	for (size_t i = 0; i < p->settings.n; i++) {
		if (!is_unrelated(p->settings.v[i]))
			strv_add(&found, p->settings.v[i]);
	}
	for (char *const *e = p->env; *e; e++) {
		if (str_starts(*e, "KCONFIG_") ||
		    str_starts(*e, "KBUILD_KCONFIG=") ||
		    str_starts(*e, "KBUILD_DEFCONFIG="))
			strv_add(&found, *e);
	}
	strv_sort(&found);
	for (size_t i = 0; i < found.n; i++)
		buf_put_str(out, found.v[i]);
	strv_release(&found);
}

/*
 * Return "REQUEST CONFIG ", the beginning of the record (kernel/config.h) for
 * the current .config, or NULL if there is no .config.  The caller frees it.
 */
static char *request_text(const struct kernel_plan *p)
{
	char request[DIGEST_HEX], config[DIGEST_HEX], *text = NULL;
	char *path = kernel_plan_path(p, ".config");
	struct buf all = { 0 };
	struct err ignored;
	struct digest d;

	kconfig_digest(&p->kconfig, &d);
	buf_add(&all, d.b, sizeof(d.b));
	add_variables(&all, p);
	buf_put_str(&all, p->tree);
	buf_put_str(&all, p->arch.arch);
	buf_put_str(&all, p->compiler.name);
	buf_put_str(&all, p->compiler.version);
	digest_bytes(buf_bytes(&all), &d);
	digest_format(&d, request);
	if (!digest_file(path, &d, &ignored)) {
		digest_format(&d, config);
		text = xasprintf("%s %s ", request, config);
	}
	buf_release(&all);
	free(path);
	return text;
}

/* Property of the inputs that a digest covers. */
enum input_property {
	INPUT_STAMPS, /* sizes and times */
	INPUT_TEXTS,
};

static void inputs_digest(const struct kernel_plan *p, const struct strv *names,
			  enum input_property of, char hex[static DIGEST_HEX])
{
	struct buf all = { 0 };
	struct err ignored;
	struct digest d;

	for (size_t i = 0; i < names->n; i++) {
		char *path = xasprintf("%s/%s", p->tree, names->v[i]);
		struct stat st = { 0 };

		buf_put_str(&all, names->v[i]);
		if (of == INPUT_TEXTS) {
			if (digest_file(path, &d, &ignored))
				d = (struct digest){ 0 };
			buf_add(&all, d.b, sizeof(d.b));
			free(path);
			continue;
		}
		if (stat(path, &st))
			st = (struct stat){ 0 };
		buf_printf(&all, "%lld %lld.%09ld %lld.%09ld",
			   (long long)st.st_size, (long long)st.st_mtim.tv_sec,
			   st.st_mtim.tv_nsec, (long long)st.st_ctim.tv_sec,
			   st.st_ctim.tv_nsec);
		free(path);
	}
	digest_bytes(buf_bytes(&all), &d);
	digest_format(&d, hex);
	buf_release(&all);
}

/* List the files in the tree's directory `dir` and in its subdirectories. */
static void list_configurations(const struct kernel_plan *p, const char *dir,
				struct strv *out)
{
	char *path = xasprintf("%s/%s", p->tree, dir);
	struct strv names = { 0 };
	struct stat st;

	fs_list(path, &names);
	for (size_t i = 0; i < names.n; i++) {
		char *name = xasprintf("%s/%s", dir, names.v[i]);
		char *file = xasprintf("%s/%s", p->tree, name);

		if (!lstat(file, &st) && S_ISDIR(st.st_mode)) {
			list_configurations(p, name, out);
			free(name);
		} else {
			strv_own(out, name);
		}
		free(file);
	}
	strv_release(&names);
	free(path);
}

/* List the paths, relative to the tree, of the files that determine .config. */
static void list_inputs(const struct kernel_plan *p, struct strv *out)
{
	const char *target = p->kconfig.target;
	char *configs = xasprintf("arch/%s/configs", p->arch.srcarch);
	struct kconfig_symbols all;
	struct strv none = { 0 };

	kconfig_symbols_read(&all, p->tree, p->arch.srcarch, &none);
	strv_add_all(out, strv_list(&all.files));
	kconfig_symbols_release(&all);
	if (target) {
		/*
		 * The architecture's Makefile selects the file for "defconfig".
		 */
		strv_addf(out, "arch/%s/Makefile", p->arch.srcarch);
		list_configurations(p, configs, out);
		list_configurations(p, "kernel/configs", out);
		strv_addf(out, "configs/%s", target);
	}
	free(configs);
}

static const struct state_file stamp_file = {
	.max_bytes = 4u << 20,
	.mode = 0666,
};

/*
 * Load the record (kernel/config.h) into `text`.  Returns true if its digests
 * REQUEST and CONFIG are those of the plan and the current .config; *first is
 * then "REQUEST CONFIG ", the start of the first line.  The caller releases
 * `text` and *first even if the result is false.
 */
static bool load_text(const struct kernel_plan *p, struct buf *text,
		      char **first)
{
	char *path = stamp_path(p->builddir.dir);
	struct err ignored;

	*first = state_file_read(&stamp_file, path, text, &ignored) ?
			 NULL :
			 request_text(p);
	free(path);
	return *first && str_starts(buf_str(text), *first);
}

/*
 * `rest` is "STAMPS TEXTS TARGET", the rest of the record's first line.  Return
 * a copy of TARGET, or NULL if the line has no TARGET.
 */
static char *parse_edit_target(const char *rest)
{
	const char *word = rest;
	size_t len;

	for (int i = 0; i < 2; i++) {
		word += strcspn(word, " \n");
		word += *word == ' ';
	}
	len = strcspn(word, "\n");
	return len ? xstrndup(word, len) : NULL;
}

/*
 * Return true if kfarm generated the current .config, for this or an earlier
 * request, and the user has not edited it since.
 */
static bool is_generated(const struct kernel_plan *p)
{
	struct buf text = { 0 };
	const char *recorded, *current;
	char *first, *edit_target = NULL;
	bool same;

	load_text(p, &text, &first);
	recorded = strchr(buf_str(&text), ' ');
	current = first ? strchr(first, ' ') : NULL;
	same = recorded && current && str_starts(recorded, current);
	if (same)
		edit_target = parse_edit_target(recorded + strlen(current));
	same = same && !edit_target;
	free(edit_target);
	buf_release(&text);
	free(first);
	return same;
}

/*
 * Return true if the files in `inputs` have not changed since the record was
 * written.  `rest` is "STAMPS TEXTS TARGET", the rest of the record's first
 * line.  If the user checks out another revision and then the old one again,
 * the files have new times, but the old contents.  So if the sizes or times
 * differ, compare the contents.  If the contents are equal, set s->refresh and
 * return true.
 */
static bool inputs_are_equal(struct kernel_config_stamp *s, const char *rest,
			     const struct kernel_plan *p,
			     const struct strv *inputs)
{
	const char *texts = rest + strcspn(rest, " \n");
	char hex[DIGEST_HEX];

	inputs_digest(p, inputs, INPUT_STAMPS, s->stamps);
	if (str_starts(rest, s->stamps))
		return true;
	inputs_digest(p, inputs, INPUT_TEXTS, hex);
	s->refresh = *texts == ' ' && str_starts(texts + 1, hex);
	return s->refresh;
}

/*
 * Read the record.  Returns true if the .config was made from the request of
 * `p` and the current tree.  A .config that the user edited remains valid when
 * the tree changes, because make would not replace that .config, either.  The
 * caller releases `s` even if the result is false.
 */
static bool read_config_stamp(struct kernel_config_stamp *s,
			      const struct kernel_plan *p)
{
	struct strv inputs = { 0 };
	struct buf text = { 0 };
	char *first;
	bool same;

	*s = (struct kernel_config_stamp){ 0 };
	same = load_text(p, &text, &first);
	if (same) {
		const char *rest = buf_str(&text) + strlen(first);
		struct bytes lines = buf_bytes(&text);

		bytes_take_line(&lines);
		s->edit_target = parse_edit_target(rest);
		while (lines.len) {
			char *line = bytes_dup(bytes_take_line(&lines));

			if (line[0] == '!')
				strv_add(&s->rejected, line + 1);
			else if (*line && line[0] != '@')
				strv_add(&inputs, line);
			free(line);
		}
		if (!s->edit_target)
			same = inputs_are_equal(s, rest, p, &inputs);
	}
	strv_release(&inputs);
	buf_release(&text);
	free(first);
	return same;
}

/* Remove the records in `dir` whose build directory no longer exists. */
static void remove_stale_stamps(const char *dir)
{
	struct strv names = { 0 };

	fs_list(dir, &names);
	for (size_t i = 0; i < names.n; i++) {
		char *path = xasprintf("%s/%s", dir, names.v[i]), *build = NULL;
		struct buf text = { 0 };
		struct err ignored;
		const char *line;

		state_file_read(&stamp_file, path, &text, &ignored);
		line = strstr(buf_str(&text), "\n@");
		if (line)
			build = xstrndup(line + 2, strcspn(line + 2, "\n"));
		if (build && !fs_is_dir(build))
			unlink(path);
		buf_release(&text);
		free(build);
		free(path);
	}
	strv_release(&names);
}

/*
 * Record that the .config was made from the request of `p`.  If the record
 * cannot be written, the next build generates the .config again.  The next
 * build does so, too, if an input has changed since s->stamps was computed:
 * Kconfig may have read its old content.
 */
static void write_stamp(const struct kernel_config_stamp *s,
			const struct kernel_plan *p)
{
	char *path = stamp_path(p->builddir.dir), *dir = str_dir(path);
	char *first = request_text(p);
	char stamps[DIGEST_HEX], texts[DIGEST_HEX];
	struct strv inputs = { 0 };
	struct buf text = { 0 };
	struct err ignored;

	if (first && !fs_mkdirs(dir, 0777, &ignored)) {
		list_inputs(p, &inputs);
		inputs_digest(p, &inputs, INPUT_TEXTS, texts);
		inputs_digest(p, &inputs, INPUT_STAMPS, stamps);
		if (strcmp(stamps, s->stamps) != 0)
			stamps[0] = texts[0] = '-';
		buf_printf(&text, "%s%s %s %s\n", first, stamps, texts,
			   s->edit_target ? s->edit_target : "");
		buf_printf(&text, "@%s\n", p->builddir.dir);
		for (size_t i = 0; i < s->rejected.n; i++)
			buf_printf(&text, "!%s\n", s->rejected.v[i]);
		for (size_t i = 0; i < inputs.n; i++)
			buf_printf(&text, "%s\n", inputs.v[i]);
		state_file_write(&stamp_file, path, buf_bytes(&text), &ignored);
		remove_stale_stamps(dir);
	}
	strv_release(&inputs);
	buf_release(&text);
	free(first);
	free(dir);
	free(path);
}

bool kernel_config_is_current(const struct kernel_plan *p)
{
	struct kernel_config_stamp s;
	bool done = kconfig_is_empty(&p->kconfig);

	if (done)
		return true;
	done = read_config_stamp(&s, p) &&
	       (!s.rejected.n || p->request->allow_mismatch);
	kernel_config_stamp_release(&s);
	return done;
}

void kernel_config_record_edit(const struct kernel_plan *p, const char *target)
{
	struct kernel_config_stamp s;

	if (kconfig_is_empty(&p->kconfig))
		return;
	/* If the user's edit changed nothing, the record is still valid. */
	if (!read_config_stamp(&s, p)) {
		kernel_config_stamp_release(&s);
		s.edit_target = xstrdup(target);
		write_stamp(&s, p);
	}
	kernel_config_stamp_release(&s);
}

char *kernel_config_edit_target(const struct kernel_plan *p)
{
	struct buf text = { 0 };
	char *first, *edited = NULL;

	if (kconfig_is_empty(&p->kconfig))
		return NULL;
	if (load_text(p, &text, &first))
		edited = parse_edit_target(buf_str(&text) + strlen(first));
	buf_release(&text);
	free(first);
	return edited;
}

static int run_target(struct kernel_build_state *run, const char *target,
		      struct err *err)
{
	char *jobs = xasprintf("-j%u", run->offload.local_slots);
	char *const options[] = { jobs, NULL };
	char *const targets[] = { (char *)target, NULL };
	int ret;

	kernel_build_set_phase(run, KERNEL_PHASE_CONFIG, target);
	ret = kernel_build_run_make(run, options, targets, err);
	free(jobs);
	return ret;
}

/*
 * Set `err` to the rejected settings `lines`.  `config` is the path of the
 * resulting .config, or NULL if it has not been generated.
 */
static int set_rejected_error(const struct strv *lines, const char *config,
			      struct err *err)
{
	const char *between = lines->n > 1 ? "\n  " : " ";
	struct buf list = { 0 };
	size_t i;

	for (i = 0; i < lines->n && list.len + strlen(lines->v[i]) < TEXT_MAX;
	     i++)
		buf_printf(&list, "%s%s", between, lines->v[i]);
	if (i < lines->n)
		buf_printf(&list, "%sand %zu more", between, lines->n - i);
	err_set(err, EINVAL,
		"Kconfig %s settings from -K:%s%suse "
		"--allow-config-mismatch to build anyway%s%s",
		config ? "rejected" : "would reject", buf_str(&list),
		lines->n > 1 ? "\n  " : "; ",
		config ? "; the generated .config is " : "",
		config ? config : "");
	buf_release(&list);
	return -EINVAL;
}

/* Compare the .config with the fragments and explain rejected settings. */
static int find_rejected(struct kernel_build_state *run, struct err *err)
{
	const struct kernel_plan *p = run->plan;
	struct kconfig_explain_context of = { &p->kconfig, p->tree,
					      p->arch.srcarch, NULL };
	struct kconfig_rejected *rejected = NULL;
	struct strv accepted = { 0 };
	struct buf config = { 0 };
	size_t n = 0;
	int ret = kernel_plan_read_config(p, &config, err);

	of.config = buf_str(&config);
	if (!ret)
		kconfig_find_rejected(&p->kconfig, of.config, &rejected, &n);
	if (n)
		kconfig_explain_rejected(rejected, n, &of,
					 &run->config.stamp.rejected,
					 &accepted);
	for (size_t i = 0; i < accepted.n; i++)
		kernel_build_note(run, "%s", accepted.v[i]);
	kconfig_free_rejected(rejected, n);
	strv_release(&accepted);
	buf_release(&config);
	return ret;
}

/*
 * Save a copy of a .config that kfarm did not generate: its author may still
 * need it.  The caller frees *saved, the path of the copy.
 */
static int save_config(const char *path, struct bytes text, char **saved,
		       struct err *err)
{
	*saved = xasprintf("%s.saved", path);
	for (int i = 1; fs_exists(*saved); i++) {
		free(*saved);
		*saved = xasprintf("%s.saved.%d", path, i);
	}
	return fs_write(*saved, text, 0644, err);
}

static int generate_config(struct kernel_build_state *run, struct err *err)
{
	const struct kconfig_spec *k = &run->plan->kconfig;
	char *path = kernel_plan_path(run->plan, ".config"), *merged;
	struct buf before = { 0 }, base = { 0 }, after = { 0 };
	struct strv inputs = { 0 };
	struct stat st = { 0 };
	struct err ignored;
	char *saved = NULL, *auto_conf = NULL;
	bool existed = !stat(path, &st);
	int ret = 0;

	list_inputs(run->plan, &inputs);
	inputs_digest(run->plan, &inputs, INPUT_STAMPS,
		      run->config.stamp.stamps);
	if (!existed || fs_read(path, KCONFIG_TEXT_MAX, &before, &ignored))
		buf_reset(&before);
	if (before.len && k->base != KCONFIG_BASE_EXISTING &&
	    !is_generated(run->plan))
		ret = save_config(path, buf_bytes(&before), &saved, err);
	if (ret)
		goto out;
	if (k->base == KCONFIG_BASE_TARGET)
		ret = run_target(run, k->target, err);
	else if (k->base != KCONFIG_BASE_EXISTING)
		ret = fs_write(path, bytes_str(k->base_text), 0666, err);
	if (!ret && k->n_fragments) {
		ret = fs_read(path, KCONFIG_TEXT_MAX, &base, err);
		if (!ret) {
			merged = kconfig_merge(k, buf_str(&base));
			ret = fs_write(path, bytes_str(merged), 0666, err);
			free(merged);
		}
	}
	if (!ret && (k->n_fragments || k->base == KCONFIG_BASE_FILE))
		ret = run_target(run, "olddefconfig", err);
	/* The next build must not mistake a partial .config for the user's. */
	if (ret && before.len)
		fs_write(path, buf_bytes(&before), 0666, &ignored);
	else if (ret && !existed)
		unlink(path);

	/*
	 * If the new .config has the old contents, restore its mode and mtime,
	 * so that make rebuilds nothing.
	 */
	if (before.len && !fs_read(path, KCONFIG_TEXT_MAX, &after, &ignored) &&
	    bytes_equal(buf_bytes(&after), buf_bytes(&before))) {
		const struct timespec times[] = { st.st_atim, st.st_mtim };

		chmod(path, st.st_mode & 07777);
		utimensat(AT_FDCWD, path, times, 0);
		if (saved)
			unlink(saved);
		goto out;
	}
	if (saved)
		kernel_build_note(
			run,
			"%s: replaced by a new configuration; the old file, "
			"which kfarm did not generate, is saved as %s",
			path, saved);
	/*
	 * If the clock was set back, make would not update an auto.conf that
	 * seems to be newer than the .config.
	 */
	if (!ret && kernel_config_is_synced(run->plan)) {
		auto_conf = kernel_plan_path(run->plan,
					     "include/config/auto.conf");
		unlink(auto_conf);
	}
out:
	free(auto_conf);
	strv_release(&inputs);
	free(saved);
	buf_release(&after);
	buf_release(&base);
	buf_release(&before);
	free(path);
	return ret;
}

/* Return the mtime of the .config in ns since 1970, or 0 without .config. */
static int64_t read_config_mtime(const struct kernel_plan *p)
{
	char *path = kernel_plan_path(p, ".config");
	struct stat st;
	int64_t ns = 0;

	if (!stat(path, &st))
		ns = st.st_mtim.tv_sec * INT64_C(1000000000) +
		     st.st_mtim.tv_nsec;
	free(path);
	return ns;
}

int kernel_config_apply(struct kernel_build_state *run, struct err *err)
{
	const struct kernel_plan *p = run->plan;
	struct kernel_config_stamp *s = &run->config.stamp;
	bool made = false;
	char *path;
	int ret = 0;

	if (kconfig_is_empty(&p->kconfig))
		return 0;
	kernel_config_stamp_release(s);
	if (!read_config_stamp(s, p)) {
		kernel_config_stamp_release(s);
		ret = generate_config(run, err);
		if (!ret)
			ret = find_rejected(run, err);
		made = !ret;
	} else {
		made = s->refresh;
	}
	/* Record rejected settings, too: the next build must report them. */
	if (made)
		write_stamp(s, p);
	if (!ret && s->rejected.n && !p->request->allow_mismatch) {
		path = kernel_plan_path(p, ".config");
		ret = set_rejected_error(&s->rejected, path, err);
		free(path);
	}
	if (ret)
		return ret;
	for (size_t i = 0; i < s->rejected.n && i < WARNINGS_MAX; i++)
		kernel_build_note(run, "%s", s->rejected.v[i]);
	if (s->rejected.n > WARNINGS_MAX)
		kernel_build_note(run,
				  "and %zu more settings rejected by Kconfig",
				  s->rejected.n - WARNINGS_MAX);
	run->config.mtime_ns = read_config_mtime(p);
	return 0;
}

int kernel_config_check_symbols(const struct kernel_plan *p, struct err *err)
{
	struct strv unknown = { 0 };
	int ret = 0;

	if (!p->kconfig.n_fragments || p->request->allow_mismatch ||
	    kernel_config_is_current(p))
		return 0;
	kconfig_explain_unknown(&p->kconfig, p->tree, p->arch.srcarch,
				&unknown);
	if (unknown.n)
		ret = set_rejected_error(&unknown, NULL, err);
	strv_release(&unknown);
	return ret;
}

void kernel_config_update_stamp(struct kernel_build_state *run)
{
	struct kernel_config_stamp now;

	/*
	 * After a failure of kernel_config_apply(), the .config is not that of
	 * the request.  If .config is newer than auto.conf, the user edited the
	 * .config.  In both cases, leave the record unchanged.
	 */
	if (kconfig_is_empty(&run->plan->kconfig) || !run->config.mtime_ns ||
	    !kernel_config_is_synced(run->plan) ||
	    read_config_mtime(run->plan) == run->config.mtime_ns)
		return;
	if (!read_config_stamp(&now, run->plan))
		write_stamp(&run->config.stamp, run->plan);
	kernel_config_stamp_release(&now);
}

bool kernel_config_is_synced(const struct kernel_plan *p)
{
	char *config = kernel_plan_path(p, ".config");
	char *done = kernel_plan_path(p, "include/config/auto.conf");
	struct stat a, b;
	bool yes = !stat(config, &a) && !stat(done, &b) &&
		   (b.st_mtim.tv_sec > a.st_mtim.tv_sec ||
		    (b.st_mtim.tv_sec == a.st_mtim.tv_sec &&
		     b.st_mtim.tv_nsec >= a.st_mtim.tv_nsec));

	free(done);
	free(config);
	return yes;
}

int kernel_config_sync(struct kernel_build_state *run, struct err *err)
{
	char *sync = (char *)kernel_config_sync_target(run->plan->tree);
	char *const targets[] = { sync, NULL };

	return kernel_config_is_synced(run->plan) ?
		       0 :
		       kernel_build_run_make(run, NULL, targets, err);
}

const char *kernel_config_sync_target(const char *tree)
{
	char *path = xasprintf("%s/scripts/kconfig/Makefile", tree);
	struct buf text = { 0 };
	struct err ignored;
	/* The target has been called syncconfig since Linux 4.19. */
	bool old = !fs_read(path, 1u << 20, &text, &ignored) &&
		   !strstr(buf_str(&text), "syncconfig");

	buf_release(&text);
	free(path);
	return old ? "silentoldconfig" : "syncconfig";
}
