#include "node/process/key_ring.h"

#include "ledger/base/check.h"
#include "node/runtime/key_file.h"

#include <algorithm>
#include <utility>

namespace tally::node {

namespace {

/// Keys of one role that a running node remembers. One that was in use once stays, for votes of the
/// old epoch and identities sealed to it; a process sees few changes of its keys.
constexpr std::size_t keys_known_max{64};

}  // namespace

KeyRing::KeyRing(const std::array<Role, 3>& roles) {
    for (const Role& role : roles) {
        Keys& keys = of(role.role);
        keys.next_file = role.next_file;
        keys.known.push_back({role.current, std::make_unique<KeySigner>(role.current)});
        keys.current.set(*keys.known.front().signer);
        read_next(keys);
    }
}

KeyRing::Keys& KeyRing::of(KeyRole role) { return m_keys.at(static_cast<std::size_t>(role) - 1); }

const KeyRing::Keys& KeyRing::of(KeyRole role) const {
    return m_keys.at(static_cast<std::size_t>(role) - 1);
}

KeyRing::Key* KeyRing::find(Keys& keys, const PublicKey& key) {
    const auto found = std::find_if(keys.known.begin(), keys.known.end(), [&key](const Key& known) {
        return known.signer->public_key() == key;
    });
    return found == keys.known.end() ? nullptr : &*found;
}

void KeyRing::read_next(Keys& keys) {
    const Expected<SecretKey, KeyFileError> next = read_secret_key(keys.next_file);
    if (next && find(keys, public_key_of(*next)) == nullptr && keys.known.size() < keys_known_max) {
        keys.known.push_back({*next, std::make_unique<KeySigner>(*next)});
    }
}

Signer& KeyRing::signer(KeyRole role) { return of(role).current; }

bool KeyRing::use(KeyRole role, const PublicKey& named) {
    Keys& keys = of(role);
    if (keys.current.public_key() == named) {
        return true;
    }
    if (find(keys, named) == nullptr) {
        read_next(keys);
    }
    Key* key = find(keys, named);
    if (key == nullptr) {
        return false;
    }
    keys.used = static_cast<std::size_t>(key - keys.known.data());
    keys.current.set(*key->signer);
    return true;
}

Signer* KeyRing::find_consensus(const PublicKey& key) {
    Keys& keys = of(KeyRole::consensus);
    if (find(keys, key) == nullptr) {
        read_next(keys);
    }
    Key* const found = find(keys, key);
    return found == nullptr ? nullptr : found->signer.get();
}

bool KeyRing::try_other_link_key() {
    Keys& keys = of(KeyRole::link);
    read_next(keys);
    if (keys.known.size() < 2) {
        return false;
    }
    keys.used = (keys.used + 1) % keys.known.size();
    keys.current.set(*keys.known[keys.used].signer);
    return true;
}

std::vector<SecretKey> KeyRing::link_secrets() const {
    const Keys& keys = of(KeyRole::link);
    std::vector<SecretKey> secrets{keys.known[keys.used].secret};
    for (std::size_t index = 0; index < keys.known.size(); ++index) {
        if (index != keys.used) {
            secrets.push_back(keys.known[index].secret);
        }
    }
    return secrets;
}

}  // namespace tally::node
