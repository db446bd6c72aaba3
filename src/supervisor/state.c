/* SPDX-License-Identifier: MIT */
#include "supervisor/state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/text.h"
#include "wire/message.h"

enum { CHUNK = 1 << 20 };

/* ---- writing ---------------------------------------------------------------------------- */

int state_writer_init(struct state_writer *w)
{
	*w = (struct state_writer){.fd = -1};
	msgpack_sbuffer_init(&w->record);
	msgpack_packer_init(&w->pk, &w->record, msgpack_sbuffer_write);
	w->fd = memfd_create("ruche-state", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (w->fd < 0)
		w->error = -errno;
	return w->error;
}

void state_writer_fini(struct state_writer *w)
{
	fd_close(&w->fd);
	buf_fini(&w->out);
	msgpack_sbuffer_destroy(&w->record);
	free(w->fds);
	w->fds = NULL;
}

static void note(struct state_writer *w, int error)
{
	if (w->error == 0 && error < 0)
		w->error = error;
}

static void flush(struct state_writer *w)
{
	if (w->error == 0)
		note(w, fd_write_all(w->fd, buf_data(&w->out), buf_len(&w->out)));
	buf_consume(&w->out, buf_len(&w->out));
}

void state_begin(struct state_writer *w, const char *kind)
{
	msgpack_sbuffer_clear(&w->record);
	text_format(w->kind, sizeof(w->kind), "%s", kind);
	w->pairs = 0;
}

static int write_out(void *data, const char *bytes, size_t len)
{
	return buf_append(data, bytes, len);
}

void state_end(struct state_writer *w)
{
	msgpack_packer pk;

	msgpack_packer_init(&pk, &w->out, write_out);
	if (msgpack_pack_array(&pk, 2) != 0 || message_pack_str(&pk, w->kind) != 0 ||
		msgpack_pack_map(&pk, w->pairs) != 0 ||
		buf_append(&w->out, w->record.data, w->record.size) < 0)
		note(w, -ENOMEM);
	if (buf_len(&w->out) >= CHUNK)
		flush(w);
}

static void put_name(struct state_writer *w, const char *name)
{
	if (message_pack_str(&w->pk, name) != 0)
		note(w, -ENOMEM);
	w->pairs++;
}

void state_put_uint(struct state_writer *w, const char *name, uint64_t value)
{
	if (value == 0)
		return;
	put_name(w, name);
	if (msgpack_pack_uint64(&w->pk, value) != 0)
		note(w, -ENOMEM);
}

void state_put_int(struct state_writer *w, const char *name, int64_t value)
{
	if (value == 0)
		return;
	put_name(w, name);
	if (msgpack_pack_int64(&w->pk, value) != 0)
		note(w, -ENOMEM);
}

void state_put_double(struct state_writer *w, const char *name, double value)
{
	put_name(w, name);
	if (msgpack_pack_double(&w->pk, value) != 0)
		note(w, -ENOMEM);
}

static void put_bin(struct state_writer *w, const char *name, const void *data, size_t len)
{
	put_name(w, name);
	if (message_pack_bin(&w->pk, data, len) != 0)
		note(w, -ENOMEM);
}

void state_put_bytes(struct state_writer *w, const char *name, const void *data, size_t len)
{
	if (len > 0)
		put_bin(w, name, data, len);
}

void state_put_text(struct state_writer *w, const char *name, const char *text)
{
	if (text != NULL) /* an empty one is one, too */
		put_bin(w, name, text, strlen(text));
}

/* The lowest bytes of a number lie first: this is kept on one machine, between two programs. */
static uint64_t load(const void *at, size_t size, bool is_signed)
{
	uint64_t value = 0;
	unsigned int unused = (unsigned int)(64 - 8 * size);

	memcpy(&value, at, size);
	return is_signed ? (uint64_t)((int64_t)(value << unused) >> unused) : value;
}

void state_put_fields(struct state_writer *w, const struct state_fields *fields, const void *object)
{
	for (size_t i = 0; i < fields->count; i++) {
		const struct state_field *field = &fields->all[i];
		const uint8_t *at = (const uint8_t *)object + field->offset;
		uint64_t value = load(at, field->size, field->is_signed);

		if (field->is_signed)
			state_put_int(w, field->name, (int64_t)value);
		else
			state_put_uint(w, field->name, value);
	}
}

void state_put_fd(struct state_writer *w, const char *name, int fd)
{
	int *fds;

	if (fd < 0)
		return;
	state_put_uint(w, name, (uint64_t)fd);
	fds = reallocarray(w->fds, w->fd_count + 1, sizeof(*fds));
	if (fds == NULL) {
		note(w, -ENOMEM);
		return;
	}
	w->fds = fds;
	fds[w->fd_count++] = fd;
}

int state_finish(struct state_writer *w)
{
	flush(w);
	if (w->error == 0 && fcntl(w->fd, F_ADD_SEALS,
				     F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0)
		note(w, -errno);
	return w->error;
}

static int set_flags(const int *fds, size_t count, int flags)
{
	int r = 0;

	for (size_t i = 0; i < count; i++)
		if (fcntl(fds[i], F_SETFD, flags) < 0)
			r = -errno;
	return r;
}

int state_pass_fds(const struct state_writer *w, bool pass)
{
	return set_flags(w->fds, w->fd_count, pass ? 0 : FD_CLOEXEC);
}

/* ---- reading ---------------------------------------------------------------------------- */

/* Large enough for all that is mapped. */
static int make_stand_ins(struct state_reader *r)
{
	int error = fd_socketpair(SOCK_STREAM, r->stand_in);

	if (error < 0)
		return error;
	r->stand_in_memory = fd_memory("ruche-trial", 1 << 20);
	return r->stand_in_memory < 0 ? r->stand_in_memory : 0;
}

int state_reader_init(struct state_reader *r, int fd, bool on_trial)
{
	struct stat st;
	void *data;
	int error;

	*r = (struct state_reader){
		.on_trial = on_trial, .stand_in = {-1, -1}, .stand_in_memory = -1};
	msgpack_unpacked_init(&r->record);
	error = on_trial ? make_stand_ins(r) : 0;
	if (error < 0)
		return error;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (st.st_size == 0)
		return -EPROTO;
	data = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (data == MAP_FAILED)
		return -errno;
	r->data = data;
	r->len = (size_t)st.st_size;
	return 0;
}

void state_reader_fini(struct state_reader *r)
{
	msgpack_unpacked_destroy(&r->record);
	if (r->data != NULL)
		munmap((void *)(uintptr_t)r->data, r->len);
	r->data = NULL;
	fd_close(&r->stand_in[0]);
	fd_close(&r->stand_in[1]);
	fd_close(&r->stand_in_memory);
	free(r->fds);
	r->fds = NULL;
}

/* [kind, {name: value}] */
static bool is_record(const msgpack_object *object)
{
	const msgpack_object_array *pair = &object->via.array;

	return object->type == MSGPACK_OBJECT_ARRAY && pair->size == 2 &&
	       pair->ptr[0].type == MSGPACK_OBJECT_STR && pair->ptr[1].type == MSGPACK_OBJECT_MAP;
}

int state_next(struct state_reader *r)
{
	if (r->at >= r->len)
		return 0;
	if (msgpack_unpack_next(&r->record, (const char *)r->data, r->len, &r->at) !=
			MSGPACK_UNPACK_SUCCESS ||
		!is_record(&r->record.data))
		return -EPROTO;
	r->kind.ptr = &r->record.data.via.array.ptr[0];
	r->pairs = &r->record.data.via.array.ptr[1].via.map;
	r->found = 0;
	return 1;
}

/* Mostly it is another, and mostly its length or its first byte tells. */
static inline bool is_text(const msgpack_object *object, const char *text, size_t len)
{
	const msgpack_object_str *str = &object->via.str;

	return object->type == MSGPACK_OBJECT_STR && str->size == len && str->ptr[0] == text[0] &&
	       memcmp(str->ptr, text, len) == 0;
}

bool state_is(const struct state_reader *r, const char *kind)
{
	return is_text(r->kind.ptr, kind, strlen(kind));
}

static const msgpack_object *find(struct state_reader *r, const char *name)
{
	const msgpack_object_map *pairs = r->pairs;
	size_t len = strlen(name);

	for (uint32_t i = 0, at = r->found; i < pairs->size; i++, at++) {
		if (at >= pairs->size)
			at = 0;
		if (is_text(&pairs->ptr[at].key, name, len)) {
			r->found = at + 1;
			return &pairs->ptr[at].val;
		}
	}
	return NULL;
}

uint64_t state_get_uint(struct state_reader *r, const char *name)
{
	const msgpack_object *value = find(r, name);

	return value != NULL && value->type == MSGPACK_OBJECT_POSITIVE_INTEGER ? value->via.u64 : 0;
}

int64_t state_get_int(struct state_reader *r, const char *name)
{
	const msgpack_object *value = find(r, name);

	if (value == NULL || (value->type != MSGPACK_OBJECT_POSITIVE_INTEGER &&
				     value->type != MSGPACK_OBJECT_NEGATIVE_INTEGER))
		return 0;
	return value->via.i64;
}

double state_get_double(struct state_reader *r, const char *name)
{
	const msgpack_object *value = find(r, name);

	return value != NULL && value->type == MSGPACK_OBJECT_FLOAT64 ? value->via.f64 : 0;
}

const void *state_get_bytes(struct state_reader *r, const char *name, size_t *ret_len)
{
	const msgpack_object *value = find(r, name);

	*ret_len = 0;
	if (value == NULL || value->type != MSGPACK_OBJECT_BIN)
		return NULL;
	*ret_len = value->via.bin.size;
	return value->via.bin.ptr;
}

static void note_read(struct state_reader *r, int error)
{
	if (r->error == 0)
		r->error = error;
}

char *state_get_text(struct state_reader *r, const char *name)
{
	size_t len;
	const char *bytes = state_get_bytes(r, name, &len);
	char *text = bytes != NULL ? strndup(bytes, len) : NULL;

	if (bytes != NULL && text == NULL)
		note_read(r, -ENOMEM);
	return text;
}

void state_copy_text(struct state_reader *r, const char *name, char *ret, size_t size)
{
	size_t len;
	const char *bytes = state_get_bytes(r, name, &len);

	text_format(ret, size, "%.*s", (int)len, bytes != NULL ? bytes : "");
}

void state_get_fields(struct state_reader *r, const struct state_fields *fields, void *object)
{
	for (size_t i = 0; i < fields->count; i++) {
		const struct state_field *field = &fields->all[i];
		uint64_t value = field->is_signed ? (uint64_t)state_get_int(r, field->name)
						  : state_get_uint(r, field->name);

		memcpy((uint8_t *)object + field->offset, &value, field->size);
	}
}

static int take_fd(struct state_reader *r, int fd)
{
	int *fds = reallocarray(r->fds, r->fd_count + 1, sizeof(*fds));

	if (fds == NULL) {
		note_read(r, -ENOMEM);
		return -1;
	}
	r->fds = fds;
	fds[r->fd_count++] = fd;
	return fd;
}

static int get_fd(struct state_reader *r, const char *name, int stand_in)
{
	uint64_t number = state_get_uint(r, name);
	int fd = number <= INT32_MAX ? (int)number : 0;

	if (number == 0)
		return -1;
	if (r->on_trial)
		fd = fcntl(stand_in, F_DUPFD_CLOEXEC, 0);
	if (fd < 0 || fcntl(fd, F_GETFD) < 0) {
		note_read(r, -errno);
		return -1;
	}
	return take_fd(r, fd);
}

int state_get_fd(struct state_reader *r, const char *name)
{
	return get_fd(r, name, r->stand_in[0]);
}

int state_get_memory(struct state_reader *r, const char *name)
{
	return get_fd(r, name, r->stand_in_memory);
}

int state_keep_fds(const struct state_reader *r)
{
	return set_flags(r->fds, r->fd_count, FD_CLOEXEC);
}

void state_get_buf(struct state_reader *r, const char *name, struct buf *ret)
{
	size_t len;
	const void *bytes = state_get_bytes(r, name, &len);

	if (len > 0 && buf_append(ret, bytes, len) < 0)
		note_read(r, -ENOMEM);
}
