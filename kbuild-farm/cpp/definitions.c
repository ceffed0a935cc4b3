/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The index has a term for each word of a text and for each proper prefix of a
 * defined name.  A term is identified by a 64-bit hash.  If two words have the
 * same hash, a list can contain more definitions than necessary, which does no
 * harm.
 *
 * A name can be formed by ## only if one of its prefixes is a token.  So the
 * search starts from the few tokens that are prefixes of names.
 */
#include "cpp/definitions.h"

#include "base/buf.h"
#include "base/map.h"
#include "base/str.h"
#include "base/vec.h"
#include "cpp/lex-directives.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define HASH_START UINT64_C(14695981039346656037)
#define TOKEN      UINT64_C(1) /* the lowest bit of a recorded hash */

/*
 * A file with n directives is a definition header only if at most 1 + n / 8 of
 * them, not counting the include guard, are always selected; see (1) in
 * definitions.h.
 */
#define ALWAYS_SELECTED_PART 8

/*
 * Add a byte to a 64-bit FNV-1a hash.  bytes_hash() cannot extend the hash of a
 * prefix to the hash of the whole word.
 */
static uint64_t hash_byte(uint64_t h, char c)
{
	return (h ^ (unsigned char)c) * UINT64_C(1099511628211);
}

/* Return the hash of the bytes that hash_byte() has added to `h`. */
static uint64_t finish_hash(uint64_t h)
{
	return (h ^ h >> 32) & ~TOKEN;
}

static uint64_t hash_word(const char *s, size_t len)
{
	uint64_t h = HASH_START;

	for (size_t i = 0; i < len; i++)
		h = hash_byte(h, s[i]);
	return finish_hash(h);
}

/* -------------------------------------------------------------- recording */

enum byte_class {
	BYTE_DIGIT = 1,
	BYTE_UPPER = 2, /* or an underscore */
	BYTE_LOWER = 4,
};

static const uint8_t byte_class[256] = {
	['0' ... '9'] = BYTE_DIGIT,
	['A' ... 'Z'] = BYTE_UPPER,
	['_'] = BYTE_UPPER,
	['a' ... 'z'] = BYTE_LOWER,
};

/*
 * Return true if the word is one of `names`, or a piece from which ## can form
 * one of them.  The caller skips words without an F: if ## forms a name, one of
 * the pieces contains the F of the name.
 */
static bool is_file_piece(const char *s, size_t len)
{
	static const char *const names[] = { "__FILE__", "__BASE_FILE__",
					     "__builtin_FILE" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (memmem(names[i], strlen(names[i]), s, len))
			return true;
	}
	return false;
}

void cpp_words_add(struct cpp_words *w, const char *s, size_t len, bool tokens)
{
	const char *end = s + len;

	while (s < end) {
		const char *from = s;
		unsigned class = 0;

		while (s < end && byte_class[(unsigned char)*s])
			class |= byte_class[(unsigned char)*s++];
		if (!w->names_file && memchr(from, 'F', (size_t)(s - from)))
			w->names_file = is_file_piece(from, (size_t)(s - from));
		/*
		 * Omit words with lower-case letters, because they cannot be
		 * part of a name in upper case.  Omit decimal numbers, because
		 * can_complete() accepts every decimal number.
		 */
		if (class && !(class & BYTE_LOWER) && class != BYTE_DIGIT) {
			w->hashes = vec_reserve(w->hashes, &w->cap, w->n,
						sizeof(*w->hashes));
			w->hashes[w->n++] = hash_word(from,
						      (size_t)(s - from)) |
					    (tokens ? TOKEN : 0);
		}
		while (s < end && !byte_class[(unsigned char)*s])
			s++;
	}
}

/* Return the length of the character constant at `s`, or 0. */
static size_t constant_length(const char *s, const char *end)
{
	size_t len = end - s > 1 && s[1] == '\\' ? 4 : 3;

	return (size_t)(end - s) >= len && s[len - 1] == '\'' && s[1] != '\'' ?
		       len :
		       0;
}

void cpp_words_add_string(struct cpp_words *w, const char *s, size_t len)
{
	cpp_words_add(w, s, len, memchr(s, '(', len));
}

/*
 * Record text outside comments.  In a text with a raw string, and after an
 * apostrophe outside a character constant, it is uncertain where strings start,
 * so all words count as tokens.
 */
static void record_cleaned(struct cpp_words *w, const char *s, size_t len)
{
	const char *end = s + len, *from = s;

	if (memmem(s, len, "R\"", 2))
		s = end;
	while (s < end) {
		const char *quote = s;

		if (*s == '\'' && !constant_length(s, end))
			break;
		if (*s == '\'') {
			s += constant_length(s, end);
		} else if (*s == '"') {
			for (s++; s < end && *s != '"';)
				s += *s == '\\' && s + 1 < end ? 2 : 1;
			s += s < end;
		} else {
			s++;
			continue;
		}
		cpp_words_add(w, from, (size_t)(quote - from), true);
		cpp_words_add_string(w, quote, (size_t)(s - quote));
		from = s;
	}
	cpp_words_add(w, from, (size_t)(end - from), true);
}

static bool is_in_list(const char *list, const char *end, const char *word,
		       size_t len)
{
	const char *s = list;

	while (s < end) {
		const char *from = s;

		while (s < end && byte_class[(unsigned char)*s])
			s++;
		if ((size_t)(s - from) == len && !memcmp(from, word, len))
			return true;
		while (s < end && !byte_class[(unsigned char)*s])
			s++;
	}
	return false;
}

/* Record the parameters and the body of a macro. */
static void record_macro(struct cpp_words *w, const char *s, size_t len)
{
	const char *close = len && *s == '(' ? memchr(s, ')', len) : NULL;
	const char *end = s + len;
	struct buf body = { 0 };

	/* Do not parse parameters that contain unusual bytes, such as '$'. */
	for (const char *p = s; close && p < close; p++) {
		if (!byte_class[(unsigned char)*p] && !strchr("(,. \t", *p))
			close = NULL;
	}
	if (!close) {
		record_cleaned(w, s, len);
		return;
	}
	cpp_words_add(w, s, len, false);
	/* Remove the parameters from the body. */
	for (const char *p = close + 1; p < end;) {
		const char *from = p;

		while (p < end && byte_class[(unsigned char)*p])
			p++;
		if (p == from)
			p++;
		if (is_in_list(s, close, from, (size_t)(p - from)))
			buf_add(&body, " ", 1);
		else
			buf_add(&body, from, (size_t)(p - from));
	}
	record_cleaned(w, buf_str(&body), body.len);
	buf_release(&body);
}

static bool is_guard(const struct cpp_text *t, uint32_t i)
{
	return t->guard != WORD_NONE && (!i || i == t->n_directives - 1);
}

/*
 * Return true if no compiler prints a message about the definition while it is
 * unused.  Compilers check parameters and the operators # and ## at the
 * #define, so a definition with any of them is not plain.
 */
static bool is_plain_definition(const struct cpp_text *t,
				const struct cpp_def *def)
{
	const char *body = t->blob + def->offset;
	size_t n_quotes = 0;

	for (uint32_t i = 0; i < def->len; i++) {
		n_quotes += body[i] == '"';
		if (strchr("#'\\", body[i]))
			return false;
	}
	return (!def->len || *body == ' ' || *body == '\t') &&
	       !(n_quotes % 2) && !memmem(body, def->len, "__VA_", 5);
}

/* Return true if the compiler checks the definition even if it is not used. */
static bool is_checked(const struct cpp_text *t, uint32_t i)
{
	const struct cpp_directive *d = &t->directives[i];

	return d->op == CPP_OP_DEFINE &&
	       !is_plain_definition(t, &t->defs[d->index]);
}

/*
 * Return true if the name of directive `i` contains a lower-case letter or
 * starts with an underscore, so that condition (1) in definitions.h selects all
 * directives with this name.
 */
static bool is_name_always_selected(const struct cpp_text *t, uint32_t i)
{
	const struct cpp_name *s = cpp_names_get(t->names,
						 t->directives[i].name);

	if (*s->s == '_')
		return true;
	for (uint32_t k = 0; k < s->len; k++) {
		if (!(byte_class[(unsigned char)s->s[k]] &
		      (BYTE_UPPER | BYTE_DIGIT)))
			return true;
	}
	return false;
}

/* Return true if a comment is not closed or contains the start of another. */
static bool has_nested_comment(const char *s, const char *end)
{
	while ((s = memmem(s, (size_t)(end - s), "/*", 2))) {
		const char *close = memmem(s + 2, (size_t)(end - s - 2), "*/",
					   2);

		if (!close || memmem(s + 2, (size_t)(close - s - 2), "/*", 2))
			return true;
		s = close + 2;
	}
	return false;
}

/*
 * Return true if the compiler prints no message about the bytes or the comments
 * of a file, such as a trigraph, a null character or a comment inside a
 * comment.
 */
static bool has_plain_bytes(const char *s, size_t len)
{
	const char *end = s + len;

	for (const char *p = s; p < end; p++) {
		if ((*p < ' ' || *p > '~') && *p != '\t' && *p != '\n')
			return false;
		/* Compilers warn about a splice in a line comment. */
		if (*p == '\\' && strchr(" \t\n", p[1]))
			return false;
	}
	return len && end[-1] == '\n' && !memmem(s, len, "??", 2) &&
	       !has_nested_comment(s, end);
}

/* Return true if the guard, if any, is defined directly after its #ifndef. */
static bool has_matching_guard(const struct cpp_text *t)
{
	return t->guard == WORD_NONE || (t->directives[1].op == CPP_OP_DEFINE &&
					 t->directives[1].name == t->guard);
}

static bool has_only_definitions(const struct cpp_text *t)
{
	size_t n_always = 0;

	if (t->has_other_text || !t->n_defs || !has_matching_guard(t))
		return false;
	for (uint32_t i = 0; i < t->n_directives; i++) {
		const struct cpp_directive *d = &t->directives[i];

		if (is_guard(t, i))
			continue;
		if (d->op != CPP_OP_DEFINE && d->op != CPP_OP_UNDEF)
			return false;
		n_always += is_checked(t, i) || is_name_always_selected(t, i);
	}
	/*
	 * If the file exceeded this limit, its list would omit too few
	 * definitions to be useful.
	 */
	return n_always <= 1 + t->n_directives / ALWAYS_SELECTED_PART;
}

void cpp_words_add_directives(struct cpp_text *t, const char *s, size_t len)
{
	struct cpp_words *w = &t->words;

	t->is_definition_header = has_only_definitions(t) &&
				  has_plain_bytes(s, len);
	for (uint32_t i = 0; i < t->n_defs; i++)
		record_macro(w, t->blob + t->defs[i].offset, t->defs[i].len);
	for (uint32_t i = 0; i < t->n_expr_texts; i++)
		record_cleaned(w, t->blob + t->expr_texts[i].offset,
			       t->expr_texts[i].len);
	for (uint32_t i = 0; i < t->n_directives; i++) {
		const struct cpp_name *name = cpp_names_get(
			t->names, t->directives[i].name);

		/*
		 * `name` is a macro, a header or, for directives such as #else,
		 * "".
		 */
		if (!t->is_definition_header || is_guard(t, i))
			cpp_words_add(w, name->s, name->len, false);
	}
}

uint64_t cpp_words_count_locations(const char *s, size_t len)
{
	const char *end = s + len;
	uint64_t n = 0, width = 128;

	while (s < end) {
		const char *newline = memchr(s, '\n', (size_t)(end - s));
		size_t columns = (size_t)((newline ? newline : end) - s);

		/*
		 * gcc reserves 50 columns more than the line has, and 32
		 * locations per column.
		 */
		while (width < columns + 51 && width < 4096)
			width *= 2;
		n += width * 32;
		s += columns + 1;
	}
	return n;
}

/* ------------------------------------------------------------------ index */

struct term {
	struct map_entry entry;
	/* (number of a text) << 1 | (1 if the term is a token of this text) */
	uint32_t *uses;
	size_t n_uses, cap_uses;
	uint32_t *names; /* names of which the term is a proper prefix */
	size_t n_names, cap_names;
	uint32_t len; /* length in bytes if the term is a prefix */
	uint32_t name; /* 1 + number of the name that equals the term, or 0 */
	bool has_tokens, listed; /* `listed`: in cpp_definitions.prefixes */
};

struct defined_name {
	const struct cpp_name *spelling;
	struct term *term;
	uint32_t unit; /* the last unit that defines the name */
	bool selected; /* the name is selected for `unit` */
};

struct cpp_definitions {
	pthread_mutex_t lock;
	struct cpp_names *table;
	struct map terms;
	struct arena arena;
	struct defined_name *names;
	size_t n_names, cap_names;
	struct term **prefixes; /* terms that have both names and tokens */
	size_t n_prefixes, cap_prefixes;
	uint32_t n_texts, unit;
	uint32_t *text_unit; /* per text, the last unit that contains it */
	size_t cap_text_unit;
};

/* values of cpp_text.defined_names */
#define NAME_ALWAYS UINT32_MAX /* a directive that is always selected */
/*
 * flag: if a unit contains this directive, all directives of the unit that have
 * the same name are selected
 */
#define NAME_SELECTS (UINT32_C(1) << 31)

struct cpp_definitions *cpp_definitions_new(struct cpp_names *names)
{
	struct cpp_definitions *d = xcalloc(1, sizeof(*d));

	pthread_mutex_init(&d->lock, NULL);
	d->table = names;
	return d;
}

void cpp_definitions_free(struct cpp_definitions *d)
{
	struct map_entry *e = NULL;

	if (!d)
		return;
	while ((e = map_next(&d->terms, e))) {
		free(((struct term *)e)->uses);
		free(((struct term *)e)->names);
	}
	map_release(&d->terms);
	arena_release(&d->arena);
	free(d->names);
	free(d->prefixes);
	free(d->text_unit);
	pthread_mutex_destroy(&d->lock);
	free(d);
}

static struct term *find_term(const struct cpp_definitions *d, uint64_t hash)
{
	return (struct term *)map_find(&d->terms, hash);
}

static struct term *get_term(struct cpp_definitions *d, uint64_t hash)
{
	struct term *t = find_term(d, hash);

	if (t)
		return t;
	t = arena_alloc(&d->arena, sizeof(*t));
	*t = (struct term){ 0 };
	map_add(&d->terms, &t->entry, hash);
	cpp_names_charge(d->table, sizeof(*t) + 2 * sizeof(void *));
	return t;
}

static void list_prefix(struct cpp_definitions *d, struct term *t)
{
	if (t->listed || !t->has_tokens || !t->n_names)
		return;
	t->listed = true;
	d->prefixes = vec_reserve(d->prefixes, &d->cap_prefixes, d->n_prefixes,
				  sizeof(*d->prefixes));
	d->prefixes[d->n_prefixes++] = t;
}

static void add_use(struct cpp_definitions *d, uint64_t hash, uint32_t text)
{
	struct term *t = get_term(d, hash & ~TOKEN);
	bool token = hash & TOKEN;

	/*
	 * The words of a text are added in succession, so only the last element
	 * of `uses` can belong to this text.
	 */
	if (t->n_uses && t->uses[t->n_uses - 1] >> 1 == text) {
		t->uses[t->n_uses - 1] |= token;
	} else {
		t->uses = vec_reserve(t->uses, &t->cap_uses, t->n_uses,
				      sizeof(*t->uses));
		t->uses[t->n_uses++] = text << 1 | token;
		cpp_names_charge(d->table, sizeof(*t->uses));
	}
	t->has_tokens |= token;
	list_prefix(d, t);
}

/*
 * Return the number that identifies a defined name.  A new name is added first.
 * Return NAME_ALWAYS if another name has the same hash.
 */
static uint32_t get_name(struct cpp_definitions *d, const struct cpp_name *s)
{
	uint64_t h = HASH_START;
	struct term *t;
	uint32_t id;

	t = get_term(d, hash_word(s->s, s->len));
	if (t->name)
		return d->names[t->name - 1].spelling == s ? t->name - 1 :
							     NAME_ALWAYS;
	id = (uint32_t)d->n_names;
	d->names = vec_reserve(d->names, &d->cap_names, d->n_names,
			       sizeof(*d->names));
	d->names[d->n_names++] = (struct defined_name){ .spelling = s,
							.term = t };
	t->name = id + 1;
	for (uint32_t i = 0; i + 1 < s->len; i++) {
		h = hash_byte(h, s->s[i]);
		t = get_term(d, finish_hash(h));
		t->len = i + 1;
		t->names = vec_reserve(t->names, &t->cap_names, t->n_names,
				       sizeof(*t->names));
		t->names[t->n_names++] = id;
		list_prefix(d, t);
	}
	cpp_names_charge(d->table, s->len * sizeof(*t->names));
	return id;
}

/* Add a text to the index, and free the list of its words. */
static void index_text(struct cpp_definitions *d, struct cpp_text *t)
{
	uint32_t id = d->n_texts++;

	t->index_number = d->n_texts;
	d->text_unit = vec_reserve(d->text_unit, &d->cap_text_unit, id,
				   sizeof(*d->text_unit));
	d->text_unit[id] = 0;
	for (size_t i = 0; i < t->words.n; i++)
		add_use(d, t->words.hashes[i], id);
	free(t->words.hashes);
	t->words = (struct cpp_words){ 0 };
	if (!t->is_definition_header)
		return;
	t->defined_names = xcalloc(t->n_directives, sizeof(uint32_t));
	for (uint32_t i = 0; i < t->n_directives; i++) {
		uint32_t *name = &t->defined_names[i];

		*name = NAME_ALWAYS;
		if (!is_guard(t, i) && !is_name_always_selected(t, i))
			*name = get_name(
				d,
				cpp_names_get(d->table, t->directives[i].name));
		if (is_checked(t, i))
			*name |= NAME_SELECTS;
	}
}

/* -------------------------------------------------------------- selection */

/*
 * Return true if a text of the unit contains the word.  If `as_token` is true,
 * the text must contain the word as a token.
 */
static bool is_used(const struct cpp_definitions *d, const struct term *t,
		    bool as_token)
{
	for (size_t i = 0; i < t->n_uses; i++) {
		if (d->text_unit[t->uses[i] >> 1] == d->unit &&
		    (!as_token || t->uses[i] & 1))
			return true;
	}
	return false;
}

/*
 * Return true if the rest of a name, from byte `at` on, is a concatenation of
 * tokens of the unit and decimal numbers.
 */
static bool can_complete(const struct cpp_definitions *d,
			 const struct cpp_name *s, uint32_t at)
{
	bool reached[256] = { false };

	if (s->len >= ARRAY_SIZE(reached))
		return true;
	reached[at] = true;
	for (uint32_t i = at; i < s->len; i++) {
		uint64_t h = HASH_START;
		bool decimal = true;

		for (uint32_t k = i; reached[i] && k < s->len; k++) {
			const struct term *t;

			h = hash_byte(h, s->s[k]);
			/* A built-in operator can yield a number such as 1L. */
			if (decimal && (s->s[k] == 'L' && k > i))
				reached[k + 1] = true;
			decimal &= byte_class[(unsigned char)s->s[k]] ==
				   BYTE_DIGIT;
			if (decimal)
				reached[k + 1] = true;
			if (reached[k + 1])
				continue;
			t = find_term(d, finish_hash(h));
			if (t && t->has_tokens && is_used(d, t, true))
				reached[k + 1] = true;
		}
	}
	return reached[s->len];
}

/* Select the names that ## can form from tokens of the unit. */
static void select_formed(struct cpp_definitions *d)
{
	for (size_t i = 0; i < d->n_prefixes; i++) {
		const struct term *t = d->prefixes[i];

		if (!is_used(d, t, true))
			continue;
		for (size_t k = 0; k < t->n_names; k++) {
			struct defined_name *n = &d->names[t->names[k]];

			if (n->unit == d->unit && !n->selected)
				n->selected = can_complete(d, n->spelling,
							   t->len);
		}
	}
}

/* Begin a unit: mark its texts, and the names that its headers define. */
static void begin_unit_texts(struct cpp_definitions *d,
			     struct cpp_text *const *texts, size_t n)
{
	d->unit++;
	for (size_t i = 0; i < n; i++) {
		struct cpp_text *t = texts[i];

		if (!t->index_number)
			index_text(d, t);
		if (d->text_unit[t->index_number - 1] == d->unit)
			continue;
		d->text_unit[t->index_number - 1] = d->unit;
		for (uint32_t k = 0;
		     t->is_definition_header && k < t->n_directives; k++) {
			struct defined_name *name;

			if (t->defined_names[k] == NAME_ALWAYS)
				continue;
			name = &d->names[t->defined_names[k] & ~NAME_SELECTS];
			name->selected = name->unit == d->unit ||
					 t->defined_names[k] & NAME_SELECTS;
			name->unit = d->unit;
		}
	}
}

static const char *list_selected(const struct cpp_definitions *d,
				 const struct cpp_text *t, struct buf *b,
				 struct arena *arena)
{
	buf_reset(b);
	for (uint32_t i = 0; i < t->n_directives; i++) {
		const struct cpp_directive *e = &t->directives[i];
		const struct cpp_def *def = &t->defs[e->index];

		if (e->op == CPP_OP_ENDIF ||
		    (t->defined_names[i] != NAME_ALWAYS &&
		     !d->names[t->defined_names[i] & ~NAME_SELECTS].selected))
			continue;
		buf_add_str(b, e->op == CPP_OP_DEFINE ? "#define " :
			       e->op == CPP_OP_UNDEF  ? "#undef " :
							"#ifndef ");
		buf_add_str(b, cpp_names_get(t->names, e->name)->s);
		if (e->op == CPP_OP_DEFINE)
			buf_add(b, t->blob + def->offset, def->len);
		buf_add_str(b, "\n");
	}
	return arena_copy(arena, buf_str(b), b->len);
}

void cpp_definitions_select(struct cpp_definitions *d,
			    struct cpp_text *const *texts, size_t n,
			    struct arena *arena, const char **lists)
{
	struct buf b = { 0 };

	pthread_mutex_lock(&d->lock);
	begin_unit_texts(d, texts, n);
	for (size_t i = 0; i < d->n_names; i++) {
		struct defined_name *name = &d->names[i];

		if (name->unit == d->unit && !name->selected)
			name->selected = is_used(d, name->term, false);
	}
	select_formed(d);
	for (size_t i = 0; i < n; i++)
		lists[i] = texts[i]->is_definition_header ?
				   list_selected(d, texts[i], &b, arena) :
				   NULL;
	pthread_mutex_unlock(&d->lock);
	buf_release(&b);
}
