/* SPDX-License-Identifier: Apache-2.0 */
#include "mock.h"

#include <dlfcn.h>
#include <spawn.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

#define METHOD(selector, body) {selector, (void (*)(void))(body)}
#define METHODS(name, ...) static const struct mock_method name[] = {__VA_ARGS__, {NULL, NULL}}

struct mock_script mock_script;
void *_NSConcreteGlobalBlock[32];

/* What a block must look like for whoever calls it. */
struct mock_block {
	void *isa;
	int flags, reserved;
	void (*invoke)(struct mock_block *block, void *buffer);
	const struct { unsigned long reserved, size; const char *signature; } *descriptor;
};

static void read_script(void)
{
	const char *text = getenv("WN_METAL_MOCK");
	char copy[256], *word, *rest = NULL;

	memset(&mock_script, 0, sizeof(mock_script));
	mock_script.devices = 1;
	mock_script.language = 3ul << 16 | 2;
	snprintf(copy, sizeof(copy), "%s", text ? text : "");
	for (word = strtok_r(copy, ",", &rest); word; word = strtok_r(NULL, ",", &rest)) {
		unsigned long major, minor;

		if (sscanf(word, "msl=%lu.%lu", &major, &minor) == 2)
			mock_script.language = major << 16 | minor;
		else if (!strcmp(word, "refuse"))
			mock_script.refuse = 1;
		else if (!strcmp(word, "deaf"))
			mock_script.deaf = 1;
		else if (!strcmp(word, "wrong"))
			mock_script.wrong = 1;
		else if (!strcmp(word, "fail=all"))
			mock_script.fail = MOCK_FAIL_ALL;
		else if (!strcmp(word, "fail=once"))
			mock_script.fail = MOCK_FAIL_ONCE;
		else if (sscanf(word, "fail=over:%ld", &mock_script.over) == 1)
			mock_script.fail = MOCK_FAIL_OVER;
		else if (sscanf(word, "devices=%d", &mock_script.devices) != 1 &&
			 sscanf(word, "lost=%ld", &mock_script.lost) != 1 &&
			 sscanf(word, "hang=%ld", &mock_script.hang) != 1 &&
			 sscanf(word, "slow=%ld", &mock_script.slow_us) != 1)
			MOCK_DIE("WN_METAL_MOCK: no word '%s'", word);
	}
}

/* -- buffers -- */

static void buffer_finish(void *self)
{
	struct mock_buffer *buffer = self;

	munmap(buffer->mapping, buffer->mapped);
}

static void *buffer_contents(struct mock_buffer *self, mock_sel selector)
{
	(void)selector;
	return self->bytes;
}

METHODS(buffer_methods, METHOD("contents", buffer_contents));
static const struct mock_class buffer_class = {"MTLBuffer", sizeof(struct mock_buffer), buffer_methods, buffer_finish};

/* Its end stands against a page that nobody may touch. Filled with something: Metal promises no zeros. */
static void *new_buffer(void *self, mock_sel selector, unsigned long length, unsigned long options)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE), whole = (length + page - 1) / page * page;
	struct mock_buffer *buffer = mock_new(&buffer_class);

	(void)self, (void)selector;
	if (options || !length)
		MOCK_DIE("newBufferWithLength:%lu options:%lu: not what the metal device uses", length, options);
	buffer->length = length;
	buffer->mapped = whole + page;
	buffer->mapping = mmap(NULL, buffer->mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (buffer->mapping == MAP_FAILED || mprotect(buffer->mapping + whole, page, PROT_NONE))
		MOCK_DIE("no memory for a buffer of %lu bytes", length);
	buffer->bytes = buffer->mapping + whole - (length + 127) / 128 * 128;
	memset(buffer->bytes, 0xa5, length);
	return buffer;
}

/* -- libraries -- */

struct library {
	struct mock_object object;
	void *handle;
};

static void library_finish(void *self)
{
	dlclose(((struct library *)self)->handle);
}

struct function {
	struct mock_object object;
	struct library *library;
	char name[64];
};

static void function_finish(void *self)
{
	mock_release(((struct function *)self)->library);
}

METHODS(function_methods, METHOD("unused", NULL));
static const struct mock_class function_class = {"MTLFunction", sizeof(struct function), function_methods, function_finish};

static void *new_function(struct library *self, mock_sel selector, void *name)
{
	struct function *function;
	char symbol[96];

	(void)selector;
	snprintf(symbol, sizeof(symbol), "wn_shim_run_%s", mock_text(name));
	if (!dlsym(self->handle, symbol))
		return NULL;
	function = mock_new(&function_class);
	function->library = mock_retain(self);
	snprintf(function->name, sizeof(function->name), "%s", mock_text(name));
	return function;
}

METHODS(library_methods, METHOD("newFunctionWithName:", new_function));
static const struct mock_class library_class = {"MTLLibrary", sizeof(struct library), library_methods, library_finish};

struct compile_options {
	struct mock_object object;
	unsigned long language;
};

static unsigned long options_language(struct compile_options *self, mock_sel selector)
{
	(void)selector;
	return self->language;
}

static void options_set_language(struct compile_options *self, mock_sel selector, unsigned long language)
{
	(void)selector;
	if (language > mock_script.language)
		MOCK_DIE("setLanguageVersion: %lx is newer than this system has", language);
	self->language = language;
}

METHODS(options_methods, METHOD("languageVersion", options_language), METHOD("setLanguageVersion:", options_set_language));
static const struct mock_class options_class = {"MTLCompileOptions", sizeof(struct compile_options), options_methods, NULL};

/* Runs tests/metal/msl on the text. 0, or its exit status with its words in *words. */
static int compile(const char *text, unsigned long language, char *object, size_t bytes, char **words)
{
	char folder[] = "/tmp/wn-msl-XXXXXX", path[64], said[64], version[64];
	char *arguments[] = {(char *)(uintptr_t)MOCK_MSL, (char *)(uintptr_t)"build", path, object, version, NULL};
	posix_spawn_file_actions_t actions;
	size_t size = 0;
	int status = -1;
	pid_t child;
	FILE *file;

	*words = NULL;
	if (!mkdtemp(folder))
		MOCK_DIE("no temporary folder");
	snprintf(path, sizeof(path), "%s/text", folder);
	snprintf(object, bytes, "%s/object.so", folder);
	snprintf(said, sizeof(said), "%s/said", folder);
	snprintf(version, sizeof(version), "-D__METAL_VERSION__=%lu", (language >> 16) * 100 + (language & 0xffff) * 10);
	file = fopen(path, "w");
	if (!file || fputs(text, file) < 0 || fclose(file))
		MOCK_DIE("cannot write %s", path);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, 2, said, 0x241 /* write, create, truncate */, 0600);
	if (posix_spawn(&child, MOCK_MSL, &actions, NULL, arguments, environ))
		MOCK_DIE("cannot run %s", MOCK_MSL);
	posix_spawn_file_actions_destroy(&actions);
	waitpid(child, &status, 0);
	file = fopen(said, "r");
	if (file && getdelim(words, &size, '\0', file) < 0 && *words)
		(*words)[0] = '\0';
	if (file)
		fclose(file);
	unlink(path);
	unlink(said);
	return status;
}

static void remove_object(char *object)
{
	unlink(object);
	*strrchr(object, '/') = '\0';
	rmdir(object);
}

static void *new_library(void *self, mock_sel selector, void *source, struct compile_options *options, void **error)
{
	struct library *library = NULL;
	char object[96], *words = NULL;
	void *handle = NULL;
	int status;

	(void)self, (void)selector;
	mock_must_be(options, &options_class);
	if (mock_script.refuse) {
		*error = mock_error(3, "program_source:1:1: error: this compiler takes nothing");
		return NULL;
	}
	status = compile(mock_text(source), options->language, object, sizeof(object), &words);
	if (!status) {
		handle = dlopen(object, RTLD_NOW | RTLD_LOCAL);
		if (!handle)
			MOCK_DIE("%s", dlerror());
		library = mock_new(&library_class);
		library->handle = handle;
	} else {
		*error = mock_error(3, words && *words ? words : "error: the compiler failed without a word");
	}
	remove_object(object);
	free(words);
	return library;
}

/* -- pipelines -- */

static void pipeline_finish(void *self)
{
	mock_release(((struct mock_pipeline *)self)->library);
}

static unsigned long pipeline_lanes_max(void *self, mock_sel selector)
{
	(void)self, (void)selector;
	return MOCK_LANES_MAX;
}

METHODS(pipeline_methods, METHOD("maxTotalThreadsPerThreadgroup", pipeline_lanes_max));
static const struct mock_class pipeline_class = {"MTLComputePipelineState", sizeof(struct mock_pipeline), pipeline_methods,
						 pipeline_finish};

static void *new_pipeline(void *self, mock_sel selector, struct function *function, void **error)
{
	struct mock_pipeline *pipeline = mock_new(&pipeline_class);
	char symbol[96];

	(void)self, (void)selector, (void)error;
	mock_must_be(function, &function_class);
	snprintf(pipeline->name, sizeof(pipeline->name), "%s", function->name);
	snprintf(symbol, sizeof(symbol), "wn_shim_run_%s", function->name);
	pipeline->library = mock_retain(function->library);
	*(void **)&pipeline->run = dlsym(function->library->handle, symbol);
	*(void **)&pipeline->barrier = dlsym(function->library->handle, "wn_shim_barrier");
	*(void **)&pipeline->fence = dlsym(function->library->handle, "wn_shim_fence");
	return pipeline;
}

/* -- command buffers and encoders -- */

struct encoder {
	struct mock_object object;
	struct mock_command_buffer *buffer;
	int is_ended;
};

static void encoder_finish(void *self)
{
	struct encoder *encoder = self;

	if (!encoder->is_ended)
		MOCK_DIE("an encoder is released before endEncoding");
	mock_release(encoder->buffer);
}

static struct mock_dispatch *work_of(struct encoder *encoder)
{
	if (encoder->is_ended)
		MOCK_DIE("an encoder is used after endEncoding");
	return &encoder->buffer->work;
}

static void set_pipeline(struct encoder *self, mock_sel selector, struct mock_pipeline *pipeline)
{
	(void)selector;
	mock_must_be(pipeline, &pipeline_class);
	work_of(self)->pipeline = mock_retain(pipeline);
}

static void set_buffer(struct encoder *self, mock_sel selector, struct mock_buffer *buffer, unsigned long offset,
		       unsigned long index)
{
	struct mock_dispatch *work = work_of(self);

	(void)selector;
	mock_must_be(buffer, &buffer_class);
	if (index >= MOCK_BUFFERS || offset || work->buffers[index])
		MOCK_DIE("setBuffer:offset:%lu atIndex:%lu: not what the metal device uses", offset, index);
	work->buffers[index] = mock_retain(buffer);
}

static void set_bytes(struct encoder *self, mock_sel selector, const void *bytes, unsigned long length, unsigned long index)
{
	struct mock_dispatch *work = work_of(self);

	(void)selector;
	if (index >= MOCK_BUFFERS || length > MOCK_BYTES_MAX || !length)
		MOCK_DIE("setBytes:length:%lu atIndex:%lu: at most 4096 bytes", length, index);
	memcpy(work->bytes[index], bytes, length);
	work->byte_count[index] = (uint32_t)length;
}

static void set_group_memory(struct encoder *self, mock_sel selector, unsigned long length, unsigned long index)
{
	(void)selector;
	if (index || length % 16)
		MOCK_DIE("setThreadgroupMemoryLength:%lu atIndex:%lu: a multiple of 16", length, index);
	work_of(self)->group_memory = (uint32_t)length;
}

static void dispatch(struct encoder *self, mock_sel selector, struct mock_size groups, struct mock_size lanes)
{
	struct mock_dispatch *work = work_of(self);

	(void)selector;
	if (!work->pipeline)
		MOCK_DIE("a dispatch without a pipeline");
	if (groups.height != 1 || groups.depth != 1 || lanes.height != 1 || lanes.depth != 1 || !groups.width || !lanes.width ||
	    lanes.width > MOCK_LANES_MAX || work->groups)
		MOCK_DIE("dispatchThreadgroups:%lux%lux%lu threadsPerThreadgroup:%lux%lux%lu", groups.width, groups.height,
			 groups.depth, lanes.width, lanes.height, lanes.depth);
	work->groups = (uint32_t)groups.width;
	work->lanes = (uint32_t)lanes.width;
}

static void end_encoding(struct encoder *self, mock_sel selector)
{
	(void)selector;
	if (!work_of(self)->groups)
		MOCK_DIE("endEncoding without a dispatch");
	self->is_ended = 1;
	self->buffer->is_encoding = 0;
	self->buffer->is_encoded = 1;
}

METHODS(encoder_methods, METHOD("setComputePipelineState:", set_pipeline), METHOD("setBuffer:offset:atIndex:", set_buffer),
	METHOD("setBytes:length:atIndex:", set_bytes), METHOD("setThreadgroupMemoryLength:atIndex:", set_group_memory),
	METHOD("dispatchThreadgroups:threadsPerThreadgroup:", dispatch), METHOD("endEncoding", end_encoding));
static const struct mock_class encoder_class = {"MTLComputeCommandEncoder", sizeof(struct encoder), encoder_methods,
						encoder_finish};

static void command_finish(void *self)
{
	struct mock_command_buffer *buffer = self;

	for (int i = 0; i < MOCK_BUFFERS; i++)
		if (buffer->work.buffers[i])
			mock_release(buffer->work.buffers[i]);
	if (buffer->work.pipeline)
		mock_release(buffer->work.pipeline);
	if (buffer->error)
		mock_release(buffer->error);
}

static void *make_encoder(struct mock_command_buffer *self, mock_sel selector)
{
	struct encoder *encoder = mock_new(&encoder_class);

	(void)selector;
	if (self->is_encoding || self->is_encoded || self->status)
		MOCK_DIE("computeCommandEncoder: another one is open, or it was committed");
	self->is_encoding = 1;
	encoder->buffer = mock_retain(self);
	return mock_autorelease(encoder);
}

static void add_completed_handler(struct mock_command_buffer *self, mock_sel selector, struct mock_block *block)
{
	(void)selector;
	if (self->status)
		MOCK_DIE("addCompletedHandler: after commit");
	if (block->isa != _NSConcreteGlobalBlock || !(block->flags & 1 << 28) || !(block->flags & 1 << 30) ||
	    block->descriptor->size < sizeof(*block) || strcmp(block->descriptor->signature, "v16@?0@8"))
		MOCK_DIE("addCompletedHandler: not a global block of type void (^)(id)");
	self->block = block;
}

static void commit(struct mock_command_buffer *self, mock_sel selector)
{
	(void)selector;
	if (self->is_encoding)
		MOCK_DIE("commit before endEncoding");
	if (!self->is_encoded || self->status)
		MOCK_DIE("commit of nothing, or twice");
	__atomic_store_n(&self->status, 2, __ATOMIC_RELEASE);
	mock_queue_commit(self->queue, mock_retain(self));
}

static unsigned long command_status(struct mock_command_buffer *self, mock_sel selector)
{
	(void)selector;
	return (unsigned long)__atomic_load_n(&self->status, __ATOMIC_ACQUIRE);
}

static void *command_error(struct mock_command_buffer *self, mock_sel selector)
{
	(void)selector;
	return self->error;
}

METHODS(command_methods, METHOD("computeCommandEncoder", make_encoder),
	METHOD("addCompletedHandler:", add_completed_handler), METHOD("commit", commit), METHOD("status", command_status),
	METHOD("error", command_error));
static const struct mock_class command_class = {"MTLCommandBuffer", sizeof(struct mock_command_buffer), command_methods,
						command_finish};

/* -- queues and devices -- */

struct queue {
	struct mock_object object;
	struct mock_queue *gpu;
};

static void queue_finish(void *self)
{
	mock_queue_end(((struct queue *)self)->gpu);
}

static void *command_buffer(struct queue *self, mock_sel selector)
{
	struct mock_command_buffer *buffer = mock_new(&command_class);

	(void)selector;
	buffer->queue = self->gpu;
	return mock_autorelease(buffer);
}

METHODS(queue_methods, METHOD("commandBuffer", command_buffer));
static const struct mock_class queue_class = {"MTLCommandQueue", sizeof(struct queue), queue_methods, queue_finish};

static void *new_queue(void *self, mock_sel selector, unsigned long most)
{
	struct queue *queue = mock_new(&queue_class);

	(void)self, (void)selector;
	if (!most)
		MOCK_DIE("newCommandQueueWithMaxCommandBufferCount:0");
	queue->gpu = mock_queue_start();
	return queue;
}

static void *device_name(void *self, mock_sel selector)
{
	(void)self, (void)selector;
	return mock_string("mock GPU");
}

static unsigned long device_bytes_max(void *self, mock_sel selector)
{
	(void)self, (void)selector;
	return 1ul << 30;
}

METHODS(device_methods, METHOD("name", device_name), METHOD("maxBufferLength", device_bytes_max),
	METHOD("newCommandQueueWithMaxCommandBufferCount:", new_queue),
	METHOD("newLibraryWithSource:options:error:", new_library),
	METHOD("newComputePipelineStateWithFunction:error:", new_pipeline),
	METHOD("newBufferWithLength:options:", new_buffer));
static const struct mock_class device_class = {"MTLDevice", sizeof(struct mock_object), device_methods, NULL};

struct array {
	struct mock_object object;
	unsigned long count;
	void *devices[8];
};

static void array_finish(void *self)
{
	struct array *array = self;

	for (unsigned long i = 0; i < array->count; i++)
		mock_release(array->devices[i]);
}

static unsigned long array_count(struct array *self, mock_sel selector)
{
	(void)selector;
	return self->count;
}

static void *array_at(struct array *self, mock_sel selector, unsigned long index)
{
	(void)selector;
	if (index >= self->count)
		MOCK_DIE("objectAtIndex:%lu of %lu", index, self->count);
	return self->devices[index];
}

METHODS(array_methods, METHOD("count", array_count), METHOD("objectAtIndex:", array_at));
static const struct mock_class array_class = {"NSArray", sizeof(struct array), array_methods, array_finish};

void *MTLCopyAllDevices(void);
void *MTLCopyAllDevices(void)
{
	struct array *array = mock_new(&array_class);

	read_script();
	for (int i = 0; i < mock_script.devices && i < 8; i++)
		array->devices[array->count++] = mock_new(&device_class);
	return array;
}

/* -- classes -- */

static void *string_with_utf8(void *self, mock_sel selector, const char *text)
{
	(void)self, (void)selector;
	return mock_string(text);
}

static void *new_options(void *self, mock_sel selector)
{
	struct compile_options *options = mock_new(&options_class);

	(void)self, (void)selector;
	options->language = mock_script.language;
	return options;
}

METHODS(string_class_methods, METHOD("stringWithUTF8String:", string_with_utf8));
METHODS(options_class_methods, METHOD("new", new_options));

static const struct mock_class classes[] = {
	{"class NSString", sizeof(struct mock_object), string_class_methods, NULL},
	{"class MTLCompileOptions", sizeof(struct mock_object), options_class_methods, NULL},
};
static struct mock_object class_objects[] = {{&classes[0], 1}, {&classes[1], 1}};

void *objc_getClass(const char *name);
void *objc_getClass(const char *name)
{
	for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]); i++)
		if (!strcmp(classes[i].name + 6, name))
			return &class_objects[i];
	return NULL;
}
