#pragma once

#include "ledger/crypto/signer.h"
#include "ledger/model/membership.h"
#include "node/config/node_config.h"

#include <array>
#include <memory>
#include <string>
#include <vector>

namespace tally::node {

/// The secret keys of a node and which of them are in use. A member may change each of its keys on
/// the ledger while its node runs: besides the configured key file of a role there is one for the
/// key that comes next, and the ledger says which of the two holds.
///
/// Lifetime: signers are valid as long as the ring. Threads: the loop's.
/// Errors: a next file that is missing or unreadable is as if it were not there.
class KeyRing {
public:
    struct Role {
        KeyRole role{KeyRole::member};
        SecretKey current;      ///< from the configured file
        std::string next_file;  ///< may not exist
    };
    explicit KeyRing(const std::array<Role, 3>& roles);
    KeyRing(const KeyRing&) = delete;
    KeyRing& operator=(const KeyRing&) = delete;

    /// Signs with the key in use; its public key changes with `use`.
    [[nodiscard]] Signer& signer(KeyRole role);
    /// Makes the key that the ledger names the one in use, reading the next file again when that
    /// key is not at hand. False, and nothing changes, when no file holds it.
    bool use(KeyRole role, const PublicKey& named);
    /// The signer of one of the consensus keys; null when it is not ours.
    [[nodiscard]] Signer* find_consensus(const PublicKey& key);
    /// Links with another of the link keys at hand; false when there is only one.
    bool try_other_link_key();
    /// All secret link keys at hand, the one in use first.
    [[nodiscard]] std::vector<SecretKey> link_secrets() const;

private:
    /// Passes on to whichever key is in use.
    class Current final : public Signer {
    public:
        void set(Signer& signer) { m_signer = &signer; }
        [[nodiscard]] const PublicKey& public_key() const override {
            return m_signer->public_key();
        }
        [[nodiscard]] Signature sign(const Hash& digest) override { return m_signer->sign(digest); }

    private:
        Signer* m_signer{nullptr};
    };
    struct Key {
        SecretKey secret;
        std::unique_ptr<KeySigner> signer;
    };
    struct Keys {
        std::string next_file;
        std::vector<Key> known;  ///< `keys_known_max` at most, newest last
        std::size_t used{0};
        Current current;
    };
    [[nodiscard]] Keys& of(KeyRole role);
    [[nodiscard]] const Keys& of(KeyRole role) const;
    [[nodiscard]] static Key* find(Keys& keys, const PublicKey& key);
    static void read_next(Keys& keys);

    std::array<Keys, 3> m_keys;
};

}  // namespace tally::node
