/* A prototype of `Chain.verify` in C, to learn what an accelerator would bring. Not part of rynxs.

   Checks the next records of a chain as docs/FORMAT.md has it: each header in deterministic CBOR
   and of version 1, its place in the chain, its payload's size and hash; and adds its leaf to the
   Merkle frontier. Decides as `rynxs.eventlog.chain` does, and tells nothing but where it stopped.
   It can't be told of erased payloads. */

#include <openssl/sha.h>
#include <stdint.h>
#include <string.h>

enum { HASH = 32, MEMBERS = 10, KIND_MAX = 63, NAME_MAX = 253, NAMES_MAX = 4 };

static const uint64_t FIELD_MAX = INT64_MAX;

typedef struct {
    uint64_t seq, epoch, time_us;
    uint8_t head[HASH];
    uint8_t nodes[64][HASH]; /* nodes[h] is a perfect subtree of 2^h leaves, if seq has that bit */
} Chain;

typedef struct {
    const uint8_t *at, *end;
} Cursor;

typedef struct {
    const uint8_t *bytes;
    uint64_t size;
} Text;

/* RFC 8949 section 4.2.1: a head is as short as it can be. */
static int head(Cursor *cursor, int major, uint64_t *number) {
    if (cursor->at == cursor->end || *cursor->at >> 5 != major) return 0;
    unsigned info = *cursor->at++ & 31;
    if (info < 24) {
        *number = info;
        return 1;
    }
    if (info > 27) return 0;
    unsigned width = 1u << (info - 24);
    if (cursor->end - cursor->at < (long)width) return 0;
    uint64_t value = 0;
    for (unsigned place = 0; place < width; place++) value = value << 8 | *cursor->at++;
    *number = value;
    return value >= (width == 1 ? 24 : (uint64_t)1 << (width * 4));
}

static int field(Cursor *cursor, uint64_t *number) {
    return head(cursor, 0, number) && *number <= FIELD_MAX;
}

static int string(Cursor *cursor, int major, Text *text) {
    if (!head(cursor, major, &text->size)) return 0;
    if (text->size > (uint64_t)(cursor->end - cursor->at)) return 0;
    text->bytes = cursor->at;
    cursor->at += text->size;
    return 1;
}

static int is_letter_or_digit(uint8_t byte) {
    uint8_t lower = byte | 32;
    return (lower >= 'a' && lower <= 'z') || (byte >= '0' && byte <= '9');
}

static int is_kind(Text text) {
    if (!text.size || text.size > KIND_MAX || *text.bytes < 'A' || *text.bytes > 'Z') return 0;
    for (uint64_t place = 1; place < text.size; place++)
        if (!is_letter_or_digit(text.bytes[place])) return 0;
    return 1;
}

static int is_subject(Text text) {
    int names = 1;
    uint64_t length = 0;
    if (!text.size) return 1;
    for (uint64_t place = 0; place < text.size; place++) {
        uint8_t byte = text.bytes[place];
        if (byte == '/') {
            if (!length || ++names > NAMES_MAX) return 0;
            length = 0;
        } else if (!is_letter_or_digit(byte) && byte != '.' && byte != '_' && byte != '-') {
            return 0;
        } else if (++length > NAME_MAX) {
            return 0;
        }
    }
    return length && names >= NAMES_MAX - 1;
}

static void hash(uint8_t out[HASH], uint8_t first, const uint8_t *one, size_t one_size,
                 const uint8_t *two, size_t two_size) {
    SHA256_CTX context;
    SHA256_Init(&context);
    SHA256_Update(&context, &first, 1);
    SHA256_Update(&context, one, one_size);
    SHA256_Update(&context, two, two_size);
    SHA256_Final(out, &context);
}

static void add_leaf(Chain *chain, const uint8_t leaf[HASH]) {
    uint8_t node[HASH];
    int height = 0;
    memcpy(node, leaf, HASH);
    for (; chain->seq >> height & 1; height++)
        hash(node, 1, chain->nodes[height], HASH, node, HASH);
    memcpy(chain->nodes[height], node, HASH);
    memcpy(chain->head, leaf, HASH);
    chain->seq++;
}

static int take(Chain *chain, Text header, Text salt, Text payload) {
    Cursor cursor = {header.bytes, header.bytes + header.size};
    uint64_t count, version, seq, epoch, time_us, size, cause = 0;
    Text previous, kind, subject, digest;
    uint8_t found[HASH], leaf[HASH];
    if (!head(&cursor, 4, &count) || count != MEMBERS) return 0;
    if (!field(&cursor, &version) || version != 1) return 0;
    if (!field(&cursor, &seq) || seq != chain->seq) return 0;
    if (!field(&cursor, &epoch) || epoch < chain->epoch) return 0;
    if (!field(&cursor, &time_us) || time_us < chain->time_us) return 0;
    if (!string(&cursor, 2, &previous) || previous.size != HASH) return 0;
    if (memcmp(previous.bytes, chain->head, HASH)) return 0;
    if (!string(&cursor, 3, &kind) || !is_kind(kind)) return 0;
    if (!string(&cursor, 3, &subject) || !is_subject(subject)) return 0;
    if (!string(&cursor, 2, &digest) || digest.size != HASH) return 0;
    if (!field(&cursor, &size) || size != payload.size) return 0;
    if (cursor.at < cursor.end && *cursor.at == 0xf6) cursor.at++;
    else if (!field(&cursor, &cause) || cause >= seq) return 0;
    if (cursor.at != cursor.end) return 0;
    hash(found, (uint8_t)salt.size, salt.bytes, salt.size, payload.bytes, payload.size);
    if (memcmp(found, digest.bytes, HASH)) return 0;
    hash(leaf, 0, header.bytes, header.size, header.bytes, 0);
    add_leaf(chain, leaf);
    chain->epoch = epoch;
    chain->time_us = time_us;
    return 1;
}

/* Takes records, laid end to end, three sizes each, and returns how many hold from the first on. */
uint64_t verify(Chain *chain, const uint8_t *data, const uint32_t *sizes, uint64_t count) {
    for (uint64_t place = 0; place < count; place++, sizes += 3) {
        Text header = {data, sizes[0]}, salt = {data + sizes[0], sizes[1]};
        Text payload = {salt.bytes + sizes[1], sizes[2]};
        if (!take(chain, header, salt, payload)) return place;
        data = payload.bytes + payload.size;
    }
    return count;
}
