/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cpp/cpp.h"

#include "base/fs.h"
#include "base/str.h"
#include "cpp/include.h"
#include "cpp/inline-asm.h"
#include "cpp/walk.h"
#include "gas/gas.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* Limit in bytes of the memory that one unit adds to the caches. */
#define UNIT_MAX ((size_t)96 << 20)

/*
 * Return the caches of a working directory and mode.  If there is no room for
 * further caches, those that were unused for the most units are replaced.  A
 * line that is text in assembler sources can be a directive in C, so a lexed
 * file is valid in one mode only.  If the modes shared caches, each change of
 * the mode would discard the lexed files and their memoized conditions.
 */
static struct cpp_cwd_cache *get_cwd_cache(struct cpp_worker *w,
					   const char *cwd, unsigned mode)
{
	struct cpp_cwd_cache *p, *oldest = w->cwd_caches;

	for (size_t i = 0; i < w->n_cwd_caches; i++) {
		p = &w->cwd_caches[i];
		if (cpp_stat_cache_matches(p->stat_cache, cwd, mode)) {
			p->unit = w->unit;
			return p;
		}
		if (p->unit < oldest->unit)
			oldest = p;
	}
	if (w->n_cwd_caches < CPP_CWD_CACHES_MAX) {
		p = &w->cwd_caches[w->n_cwd_caches++];
	} else {
		p = oldest;
		w->n_stats += cpp_stat_cache_take_n_stats(p->stat_cache);
		cpp_search_free(p->search);
		cpp_stat_cache_free(p->stat_cache);
	}
	*p = (struct cpp_cwd_cache){
		.stat_cache = cpp_stat_cache_new(
			w->shared->names, w->shared->file_cache, cwd, mode),
		.search = cpp_search_new(),
		.unit = w->unit,
	};
	return p;
}

static void begin_unit(struct cpp_walk *walk, struct cpp_worker *w)
{
	struct cpp_state *cpp = &w->state;
	struct cpp_lists *l = &w->lists;

	w->walk = walk;
	walk->max_memory_bytes = cpp_names_memory(w->shared->names) + UNIT_MAX;
	w->unit++;
	arena_reset(&w->arena);
	l->n_file = l->n_absent = l->n_dir = l->n_header_dir = l->n_frame = 0;
	l->n_pushed = l->n_once = l->n_dir_option = l->n_clang_file =
		l->n_clang_dir = l->n_applied = 0;
	cpp->full = walk->full;
	cpp->time_expanded = cpp->counter_uncertain = false;
	cpp->counter = cpp->line_offset = 0;
}

static void query_dialect(struct cpp_walk *walk)
{
	struct cpp_driver_request driver = cpp_walk_driver(walk);
	struct cpp_cmdline *line = &walk->cmdline;
	enum reason why = REASON_NONE;
	char *detail = NULL;

	walk->dialect = cpp_driver_query_dialect(&driver, &why, &detail);
	if (!walk->dialect) {
		walk->reason = why;
		walk->detail = detail;
		return;
	}
	if (walk->dialect->no_raw_strings)
		line->mode &= ~(unsigned)CPP_MODE_RAW_STRINGS;
	/* Without -std=, gcc compiles for gnu23 from release 15 on. */
	if (walk->dialect->is_c23 && !(line->mode & CPP_MODE_ASM))
		line->mode |= CPP_MODE_DIGIT_SEPARATORS;
	if (!walk->dialect->is_clang)
		return;
	/*
	 * In assembler sources, the lexer must distinguish clang from gcc,
	 * because only clang accepts digraphs.  In C sources, -Wa,-I is not
	 * supported: clang searches the directory of -Wa,-I before those of -I
	 * when it compiles, and ignores -Wa,-I when it only preprocesses.
	 */
	if (line->mode & CPP_MODE_ASM)
		line->mode |= CPP_MODE_CLANG;
	if (line->c90_assembly)
		cpp_walk_fail(walk, REASON_SOURCE_LANGUAGE,
			      "C90 assembler source");
	else if (!(line->mode & CPP_MODE_ASM) && line->asm_dirs.n)
		cpp_walk_fail(walk, REASON_ASSEMBLER, line->asm_dirs.v[0]);
}

/* Limit in bytes of an assembler file that is searched for file names. */
#define ASSEMBLER_MAX ((size_t)16 << 20)

/*
 * Search for an assembler file in the order of gas: in the working directory,
 * then in the directories of -I and of -Wa,-I.  Return NULL if no directory has
 * the file.
 */
static struct cpp_cached_file *find_asm_file(struct cpp_walk *walk,
					     const char *name)
{
	struct cpp_stat_cache *cache = walk->cwd_cache->stat_cache;
	const struct cpp_cmdline *l = &walk->cmdline;
	struct cpp_cached_file *n = cpp_stat_cache_file(cache, name);

	if (n->exists || n->error || *name == '/')
		return n->exists || n->error ? n : NULL;
	cpp_walk_add_absent(walk, n->path);
	for (size_t i = 0; i < l->n_dirs + l->asm_dirs.n; i++) {
		const char *dir;
		char *path;

		if (i < l->n_dirs && l->dirs[i].kind != CPP_DIR_BRACKET)
			continue;
		dir = i < l->n_dirs ? l->dirs[i].path :
				      l->asm_dirs.v[i - l->n_dirs];
		path = xasprintf("%s/%s", dir, name);
		n = cpp_stat_cache_file(cache, path);
		free(path);
		if (n->exists || n->error)
			return n;
		cpp_walk_add_absent(walk, n->path);
	}
	return NULL;
}

static struct cpp_cached_file *list_input(struct cpp_walk *walk,
					  const char *name, enum reason why)
{
	struct cpp_cached_file *n = find_asm_file(walk, name);
	const struct cpp_frame *f = cpp_walk_top(walk);

	if (!n || n->error)
		cpp_walk_fail(walk, n ? REASON_FILE_STAT : why,
			      n ? n->path : name);
	else
		cpp_walk_add_file(walk, n, CPP_FILE_INPUT, f ? f->line : 0);
	return n;
}

/*
 * Return true if assembler text contains .incbin or .include.  If `origin` is
 * true, also return true for .file.
 */
static bool has_file_directive(const struct buf *text, bool origin)
{
	const char *s = buf_str(text), *end = s + text->len;

	for (; s < end && (s = memchr(s, '.', (size_t)(end - s))); s++) {
		if (!strncasecmp(s, ".incbin", 7) ||
		    !strncasecmp(s, ".include", 8) ||
		    (origin && !strncasecmp(s, ".file", 5)))
			return true;
	}
	return false;
}

static bool read_assembler(struct cpp_walk *walk,
			   const struct cpp_cached_file *n, struct buf *text)
{
	struct err err;

	if (n->regular && !fs_read(n->abs, ASSEMBLER_MAX, text, &err))
		return true;
	cpp_walk_fail(walk, REASON_ASSEMBLER_UNREADABLE, n->path);
	return false;
}

/* Record the words of `text` that macros can join into .incbin or .include. */
static void add_incbin_words(struct cpp_walk *walk, const struct buf *text)
{
	cpp_incbin_words_add_text(
		&walk->incbin_words,
		&(struct cpp_incbin_text){ .s = buf_str(text),
					   .len = text->len,
					   .params = buf_str(text),
					   .statement_start = true });
}

/*
 * Add a file of -Wa,FILE.  Fail the unit if the file contains .incbin or
 * .include.
 */
static void add_asm_file(struct cpp_walk *walk, const char *name)
{
	struct cpp_cached_file *n;
	struct buf text = { 0 };

	n = list_input(walk, name, REASON_NO_ASSEMBLER_FILE);
	if (!n || walk->reason || !read_assembler(walk, n, &text))
		goto out;
	if (has_file_directive(&text, false))
		cpp_walk_fail(walk, REASON_ASSEMBLER_INCLUDES, name);
	add_incbin_words(walk, &text);
out:
	buf_release(&text);
}

/* Read an assembler source that is not preprocessed. */
static void read_asm_source(struct cpp_walk *walk,
			    const struct cpp_cached_file *source)
{
	struct buf text = { 0 };

	if (read_assembler(walk, source, &text)) {
		if (has_file_directive(&text, true))
			walk->marks |= CPP_MARK_ASM_FILE;
		add_incbin_words(walk, &text);
		cpp_inline_asm_add_source(walk->inline_asm, buf_bytes(&text));
	}
	buf_release(&text);
}

static bool is_predefined(void *ctx, const char *macro)
{
	const struct cpp_walk *walk = ctx;
	const struct cpp_text *t = walk->dialect->macros;

	for (uint32_t i = 0; i < t->n_defs; i++) {
		if (!strcmp(cpp_names_get(t->names, t->defs[i].name)->s, macro))
			return true;
	}
	return false;
}

/*
 * Add the files that `r` names to the closure, and add the text of new .include
 * files to `all`.  Return true if text was added, because it can name further
 * files, and false if no text was added or the unit failed.
 */
static bool add_named_files(struct cpp_walk *walk, struct gas_scanner *all,
			    const struct gas_result *r, struct strv *included)
{
	size_t before = included->n;
	const struct cpp_cached_file *n;
	struct buf text = { 0 };

	if (r->undecided)
		cpp_walk_fail(walk, REASON_ASSEMBLY, r->undecided);
	for (size_t i = 0; i < r->incbins.n && !walk->reason; i++)
		list_input(walk, r->incbins.v[i], REASON_NO_INCBIN);
	for (size_t i = 0; i < r->source_names.n && !walk->reason; i++)
		cpp_walk_add_line_file(
			walk, cpp_names_intern(walk->worker->shared->names,
					       r->source_names.v[i],
					       strlen(r->source_names.v[i])));
	for (size_t i = 0; i < r->includes.n && !walk->reason; i++) {
		if (strv_has(included, r->includes.v[i]))
			continue;
		strv_add(included, r->includes.v[i]);
		n = list_input(walk, r->includes.v[i],
			       REASON_NO_ASSEMBLER_FILE);
		if (n && !walk->reason && read_assembler(walk, n, &text))
			gas_scanner_add_text(all, buf_str(&text), text.len,
					     GAS_TEXT_SOURCE);
		buf_release(&text);
	}
	return !walk->reason && included->n > before;
}

/*
 * Find the .incbin, .include and .file directives in the unit's text for the
 * assembler, and add the files that they name to the closure.
 */
static void add_incbins(struct cpp_walk *walk)
{
	const struct cpp_inline_asm *a = walk->inline_asm;
	struct gas_setup setup = { .alternate = walk->cmdline.alternate };
	struct gas_result r = { 0 };
	struct gas_scanner *all;
	struct strv included = { 0 };
	bool more = true;

	/* The text could use macros that a file of -Wa,FILE defines. */
	if (walk->cmdline.asm_files.n) {
		cpp_walk_fail(walk, REASON_ASSEMBLY,
			      walk->cmdline.asm_files.v[0]);
		return;
	}
	setup.architecture = gas_scrub_detect_arch(is_predefined, walk);
	all = gas_scanner_new(&setup);
	for (size_t i = 0; i < a->n_parts; i++)
		gas_scanner_add_text(all, buf_str(&a->text) + a->parts[i].from,
				     a->parts[i].len, a->parts[i].kind);
	while (more) {
		gas_scanner_find_files(all, &r);
		more = add_named_files(walk, all, &r, &included);
		gas_result_release(&r);
	}
	gas_scanner_free(all);
	strv_release(&included);
}

/*
 * Find the closure by full preprocessing if walk->full is set, else by the fast
 * scan.
 */
static void scan_unit_once(struct cpp_walk *walk)
{
	struct cpp_cmdline *line = &walk->cmdline;
	const struct cpp_unit *unit = walk->unit;
	struct cpp_cached_file *source;

	begin_unit(walk, walk->worker);
	cpp_cmdline_parse(line, unit->command, unit->env);
	if (line->reason)
		cpp_walk_fail(walk, line->reason, line->detail);
	else if (!line->unpreprocessed)
		query_dialect(walk);
	if (walk->reason)
		return;
	cpp_inline_asm_init(walk->inline_asm, line->mode);
	walk->cwd_cache = get_cwd_cache(walk->worker, unit->cwd, line->mode);
	cpp_stat_cache_begin_unit(walk->cwd_cache->stat_cache,
				  walk->worker->unit, unit->stat_max_age_ns);
	source = cpp_stat_cache_file(walk->cwd_cache->stat_cache, line->source);
	if (!source->exists) {
		cpp_walk_fail(walk, REASON_NO_SOURCE, line->source);
		return;
	}
	cpp_walk_add_file(walk, source, CPP_FILE_SOURCE, 0);
	if (line->unpreprocessed)
		read_asm_source(walk, source);
	else
		cpp_include_walk_source(walk, source);
	/* Add files that options name, such as -frandomize-layout-seed-file. */
	for (size_t i = 0; i < line->inputs.n && !walk->reason; i++) {
		struct cpp_cached_file *n = cpp_stat_cache_file(
			walk->cwd_cache->stat_cache, line->inputs.v[i]);

		if (n->exists)
			cpp_walk_add_file(walk, n, CPP_FILE_INPUT, 0);
		else
			cpp_walk_fail(walk, REASON_NO_INPUT, line->inputs.v[i]);
	}
	for (size_t i = 0; i < line->asm_files.n && !walk->reason; i++)
		add_asm_file(walk, line->asm_files.v[i]);
	if (!line->unpreprocessed &&
	    (!walk->full || unit->command->preprocessed))
		return;
	if (walk->reason ||
	    (!(walk->marks & CPP_MARK_ASM_FILE) &&
	     !cpp_incbin_words_is_complete(&walk->incbin_words)))
		return;
	/*
	 * The compiler's properties are still unknown if the source is not
	 * preprocessed.
	 */
	if (!walk->dialect)
		query_dialect(walk);
	if (!walk->reason)
		add_incbins(walk);
}

static bool needs_full_preprocessing(const struct cpp_walk *walk)
{
	const unsigned doubts = CPP_MARK_TIME | CPP_MARK_TIME_PASTED |
				CPP_MARK_PRAGMA_MACRO | CPP_MARK_ASM_FILE |
				CPP_MARK_SPLIT_WORD;
	bool expands = walk->unit->command->preprocessed;
	unsigned marks = walk->marks;

	if (expands)
		marks &= ~(unsigned)CPP_MARK_ASM_FILE;
	if (walk->worker->state.counter_uncertain)
		return true;
	switch (walk->reason) {
	case REASON_NONE:
		return walk->unit->output || walk->unit->full ||
		       (marks & doubts) ||
		       (!expands &&
			cpp_incbin_words_is_complete(&walk->incbin_words)) ||
		       ((marks & CPP_MARK_PRAGMA) &&
			(marks & (CPP_MARK_WORD_GCC | CPP_MARK_WORD_ONCE)));
	case REASON_PRAGMA:
	case REASON_PRAGMA_OPTIONS:
	case REASON_LINE_MACRO:
		return true;
	default:
		/*
		 * The fast scan ignores _Pragma, so a macro that a _Pragma
		 * changes may have caused the failure.
		 */
		return marks & CPP_MARK_PRAGMA_MACRO;
	}
}

static void release_unit(struct cpp_walk *walk)
{
	cpp_cmdline_release(&walk->cmdline);
	strv_release(&walk->pragma_options);
	free(walk->detail);
}

/*
 * Scan a unit and store the result in `walk` and w->lists.  The fast scan skips
 * all lines that are not directives.  If skipped lines may matter, full
 * preprocessing follows.
 */
static void scan_unit(struct cpp_walk *walk, struct cpp_worker *w,
		      const struct cpp_unit *unit)
{
	struct cpp_inline_asm assembly = { 0 };
	/* marks of the fast scan that full preprocessing does not clear */
	const unsigned kept = CPP_MARK_BASE_FILE | CPP_MARK_DEVICETREE |
			      CPP_MARK_LINE | CPP_MARK_SPLIT_WORD;
	unsigned before;

	*walk = (struct cpp_walk){ .worker = w,
				   .lists = &w->lists,
				   .unit = unit,
				   .inline_asm = &assembly };
	scan_unit_once(walk);
	walk->any_name_expanded = walk->marks &
				  (CPP_MARK_FILE | CPP_MARK_SPLIT_WORD);
	if (!walk->cmdline.unpreprocessed && needs_full_preprocessing(walk)) {
		before = walk->marks;
		release_unit(walk);
		*walk = (struct cpp_walk){ .worker = w,
					   .lists = &w->lists,
					   .unit = unit,
					   .inline_asm = &assembly,
					   .full = true };
		w->n_preprocessed++;
		scan_unit_once(walk);
		walk->marks = ((before | walk->marks) & kept) |
			      (w->state.time_expanded ? CPP_MARK_TIME : 0) |
			      (w->state.counter ? CPP_MARK_COUNTER : 0);
	}
	cpp_inline_asm_release(&assembly);
	walk->inline_asm = NULL;
}

/*
 * A scan takes a worker from the pool.  Each worker owns its caches, so the
 * scan takes a lock only for files and names that are new to its worker.  If
 * the caches of all workers together exceed the limit, the next scan waits for
 * the other scans and drops all caches.
 */

#define MEMORY_MAX_BYTES ((size_t)192 << 20)

struct cpp_scanner {
	/* held for reading by scans, and for writing to drop all caches */
	pthread_rwlock_t drop_lock;
	/*
	 * protects the members from `pool` to `n_stats` while drop_lock is held
	 * for reading
	 */
	pthread_mutex_t lock;
	struct cpp_worker *pool;
	/* bytes used by all workers, each measured after its last scan */
	size_t memory;
	uint64_t n_units, n_preprocessed, n_stats;
	/* sums of the counters of caches that were dropped */
	uint64_t n_lexed, n_reused, n_queries;
	size_t memory_max;
	struct cpp_shared shared;
};

static int on_operator(void *ctx, enum cpp_word op, const char *text,
		       long long *value, enum reason *why)
{
	struct cpp_worker *w = ctx;
	const struct cpp_frame *f = cpp_walk_top(w->walk);
	struct cpp_driver_request driver = cpp_walk_driver(w->walk);

	return cpp_driver_query_operator(&driver, op, text, f ? f->text : NULL,
					 value, why);
}

static struct cpp_worker *worker_new(struct cpp_shared *common)
{
	struct cpp_worker *w = xcalloc(1, sizeof(*w));
	struct cpp_callbacks host = {
		.ctx = w,
		.has_include = cpp_include_exists,
		.query_operator = on_operator,
	};

	cpp_walk_set_callbacks(&host);
	w->shared = common;
	cpp_state_init(&w->state, common->names, &host);
	return w;
}

static void worker_free(struct cpp_worker *w)
{
	struct cpp_lists *l = &w->lists;

	for (size_t i = 0; i < w->n_cwd_caches; i++) {
		cpp_search_free(w->cwd_caches[i].search);
		cpp_stat_cache_free(w->cwd_caches[i].stat_cache);
	}
	for (size_t i = 0; i < CPP_CMDLINE_MACRO_BUCKETS; i++) {
		while (w->cmdline_macros[i]) {
			struct cpp_cmdline_macro *d = w->cmdline_macros[i];

			w->cmdline_macros[i] = d->next;
			cpp_text_free(d->text);
			free(d->line);
			free(d);
		}
	}
	free(l->file);
	free(l->absent);
	free(l->dir);
	free(l->header_dir);
	free(l->frame);
	free(l->pushed);
	free(l->once);
	free(l->dir_option);
	free(l->clang_file);
	free(l->clang_dir);
	free(l->applied);
	cpp_state_release(&w->state);
	cpp_expansion_release(&w->other_expansion);
	arena_release(&w->arena);
	free(w);
}

static void common_init(struct cpp_shared *c)
{
	c->names = cpp_names_new();
	if (c->setup.selects_definitions) {
		cpp_names_record_words(c->names);
		c->definitions = cpp_definitions_new(c->names);
	}
	c->file_cache = cpp_file_cache_new(c->names);
	c->driver_cache = cpp_driver_cache_new(&c->setup, c->names);
}

static void common_release(struct cpp_shared *c)
{
	cpp_driver_cache_free(c->driver_cache);
	cpp_file_cache_free(c->file_cache);
	cpp_definitions_free(c->definitions);
	cpp_names_free(c->names);
}

struct cpp_scanner *cpp_scanner_new(const struct cpp_setup *setup)
{
	struct cpp_scanner *s = xcalloc(1, sizeof(*s));

	pthread_rwlock_init(&s->drop_lock, NULL);
	pthread_mutex_init(&s->lock, NULL);
	s->memory_max = setup->max_memory_bytes ? setup->max_memory_bytes :
						  MEMORY_MAX_BYTES;
	s->shared.setup = *setup;
	if (setup->cache_dir)
		s->shared.setup.cache_dir = xstrdup(setup->cache_dir);
	common_init(&s->shared);
	return s;
}

static void free_pool(struct cpp_scanner *s)
{
	while (s->pool) {
		struct cpp_worker *w = s->pool;

		s->pool = w->next;
		worker_free(w);
	}
	s->memory = 0;
}

void cpp_scanner_free(struct cpp_scanner *s)
{
	if (!s)
		return;
	free_pool(s);
	common_release(&s->shared);
	free((char *)s->shared.setup.cache_dir);
	pthread_rwlock_destroy(&s->drop_lock);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

static size_t scanner_memory(struct cpp_scanner *s)
{
	struct cpp_file_cache_stats st;
	size_t size;

	cpp_file_cache_stats(s->shared.file_cache, &st);
	pthread_mutex_lock(&s->lock);
	size = s->memory;
	pthread_mutex_unlock(&s->lock);
	return size + st.memory_bytes + cpp_names_memory(s->shared.names);
}

/* Drop all caches.  The caller holds the drop lock for writing. */
static void drop_caches(struct cpp_scanner *s)
{
	struct cpp_file_cache_stats st;

	cpp_file_cache_stats(s->shared.file_cache, &st);
	s->n_lexed += st.n_lexed;
	s->n_reused += st.n_reused;
	s->n_queries += cpp_driver_cache_n_queries(s->shared.driver_cache);
	free_pool(s);
	common_release(&s->shared);
	common_init(&s->shared);
}

/* Take the drop lock for reading.  If the caches are too big, drop them. */
static void start_unit(struct cpp_scanner *s)
{
	pthread_rwlock_rdlock(&s->drop_lock);
	if (scanner_memory(s) <= s->memory_max)
		return;
	pthread_rwlock_unlock(&s->drop_lock);
	pthread_rwlock_wrlock(&s->drop_lock);
	/* Another thread may have dropped the caches first. */
	if (scanner_memory(s) > s->memory_max)
		drop_caches(s);
	pthread_rwlock_unlock(&s->drop_lock);
	pthread_rwlock_rdlock(&s->drop_lock);
}

static struct cpp_worker *take_worker(struct cpp_scanner *s)
{
	struct cpp_worker *w;

	pthread_mutex_lock(&s->lock);
	w = s->pool;
	if (w)
		s->pool = w->next;
	pthread_mutex_unlock(&s->lock);
	return w ? w : worker_new(&s->shared);
}

static void put_worker(struct cpp_scanner *s, struct cpp_worker *w)
{
	size_t memory = sizeof(*w) + w->arena.size_bytes +
			w->state.n_slots * sizeof(struct cpp_macro_slot) +
			w->state.expansion.arena.size_bytes +
			w->other_expansion.arena.size_bytes;
	uint64_t stats = w->n_stats;

	for (size_t i = 0; i < w->n_cwd_caches; i++) {
		const struct cpp_cwd_cache *c = &w->cwd_caches[i];

		memory += cpp_stat_cache_memory(c->stat_cache) +
			  cpp_search_memory(c->search);
		stats += cpp_stat_cache_take_n_stats(c->stat_cache);
	}
	w->n_stats = 0;
	pthread_mutex_lock(&s->lock);
	w->next = s->pool;
	s->pool = w;
	s->memory += memory - w->counted_bytes;
	w->counted_bytes = memory;
	s->n_units++;
	s->n_preprocessed += w->n_preprocessed;
	w->n_preprocessed = 0;
	s->n_stats += stats;
	pthread_mutex_unlock(&s->lock);
}

static struct strv pack_list(struct arena *a, const char *const *v, size_t n)
{
	struct strv out = { .n = n };

	out.v = arena_alloc(a, (n + 1) * sizeof(*out.v));
	for (size_t i = 0; i < n; i++)
		out.v[i] = arena_copy(a, v[i], strlen(v[i]));
	out.v[n] = NULL;
	return out;
}

static void pack_closure(struct cpp_closure *out, const struct cpp_walk *walk)
{
	int64_t started = cpp_stat_cache_start_time(
		walk->cwd_cache->stat_cache);
	struct cpp_lists *l = walk->lists;
	struct arena *a = xcalloc(1, sizeof(*a));

	out->memory = a;
	out->n_files = l->n_file;
	out->files = arena_alloc(a, l->n_file * sizeof(*out->files));
	for (size_t i = 0; i < l->n_file; i++) {
		const struct cpp_listed_file *f = &l->file[i];

		out->files[i] = (struct cpp_file){
			.path = arena_copy(a, f->path, strlen(f->path)),
			.path_id = f->file->entry->path_id,
			.kind = f->kind,
			.stamp = f->file->stamp,
			.stamp_reliable = file_stamp_is_reliable(
				&f->file->stamp, started),
			.includer = f->includer,
			.line = f->line,
			.expands_name = f->expands_name ||
					walk->any_name_expanded,
		};
	}
	out->absent = pack_list(a, l->absent, l->n_absent);
	for (size_t i = 0; i < l->n_header_dir; i++)
		*CPP_WALK_LISTS_ADD(l, dir) = l->header_dir[i];
	out->dirs = pack_list(a, l->dir, l->n_dir);
	out->n_header_dirs = l->n_header_dir;
}

/* Return true if the result can depend on definitions that no code uses. */
static bool records_files(const struct cpp_walk *walk)
{
	return walk->cmdline.debug_macros ||
	       (walk->cmdline.debug_on && walk->dialect->is_clang) ||
	       walk->n_locations > CPP_LOCATIONS_MAX;
}

/* Set the `definitions` of the files of the closure. */
static void select_definitions(const struct cpp_walk *walk,
			       struct cpp_closure *out)
{
	const struct cpp_lists *l = walk->lists;
	struct cpp_text **texts;
	const char **lists;
	size_t n = 0;
	bool decidable = true;

	if (!walk->worker->shared->definitions ||
	    walk->cmdline.unpreprocessed || records_files(walk))
		return;
	texts = xcalloc(l->n_file + l->n_applied, sizeof(struct cpp_text *));
	lists = xcalloc(l->n_file + l->n_applied, sizeof(*lists));
	for (size_t i = 0; i < l->n_file; i++) {
		if (l->file[i].kind < CPP_FILE_INPUT)
			texts[n++] = l->file[i].file->text;
	}
	for (size_t i = 0; i < l->n_applied; i++)
		texts[n++] = l->applied[i];
	for (size_t i = 0; i < n; i++)
		decidable &= texts[i] &&
			     !(texts[i]->marks & CPP_MARK_SPLIT_WORD);
	if (decidable)
		cpp_definitions_select(walk->worker->shared->definitions, texts,
				       n, out->memory, lists);
	for (size_t i = n = 0; i < l->n_file; i++) {
		if (l->file[i].kind >= CPP_FILE_INPUT)
			continue;
		if (!l->file[i].is_input)
			out->files[i].definitions = lists[n];
		n++;
	}
	free(texts);
	free(lists);
}

void cpp_closure_find(struct cpp_scanner *s, const struct cpp_unit *unit,
		      struct cpp_closure *out)
{
	struct cpp_worker *w;
	struct cpp_walk walk;

	*out = (struct cpp_closure){ 0 };
	start_unit(s);
	w = take_worker(s);
	scan_unit(&walk, w, unit);
	if (walk.reason) {
		out->reason = walk.reason;
		out->detail = walk.detail;
		walk.detail = NULL;
	} else {
		pack_closure(out, &walk);
		out->full = walk.full;
		select_definitions(&walk, out);
		if (walk.marks & CPP_MARK_TIME)
			out->mentions |= CPP_MENTION_TIME;
		if (walk.marks & CPP_MARK_COUNTER)
			out->mentions |= CPP_MENTION_COUNTER;
		if (walk.marks & CPP_MARK_BASE_FILE)
			out->mentions |= CPP_MENTION_BASE_FILE;
		if (walk.marks & CPP_MARK_LINE)
			out->mentions |= CPP_MENTION_LINE;
		if (walk.marks & CPP_MARK_DEVICETREE)
			out->mentions |= CPP_MENTION_DEVICETREE;
		if (w->lists.n_once)
			out->mentions |= CPP_MENTION_ONCE;
	}
	release_unit(&walk);
	w->walk = NULL;
	put_worker(s, w);
	pthread_rwlock_unlock(&s->drop_lock);
}

void cpp_closure_release(struct cpp_closure *c)
{
	if (c->memory)
		arena_release(c->memory);
	free(c->memory);
	free(c->detail);
	*c = (struct cpp_closure){ 0 };
}

void cpp_scanner_stats(struct cpp_scanner *s, struct cpp_stats *out)
{
	struct cpp_file_cache_stats st;

	pthread_rwlock_rdlock(&s->drop_lock);
	cpp_file_cache_stats(s->shared.file_cache, &st);
	out->memory_bytes = scanner_memory(s);
	pthread_mutex_lock(&s->lock);
	out->n_units = s->n_units;
	out->n_preprocessed = s->n_preprocessed;
	out->n_stats = s->n_stats;
	out->n_lexed = s->n_lexed + st.n_lexed;
	out->n_reused = s->n_reused + st.n_reused;
	out->n_queries = s->n_queries +
			 cpp_driver_cache_n_queries(s->shared.driver_cache);
	pthread_mutex_unlock(&s->lock);
	pthread_rwlock_unlock(&s->drop_lock);
}
