/** Asks for a token when the server wants one. It stays in this tab. */

import { useSignal } from "@preact/signals";
import { keepToken, token } from "../state/token";

export function TokenForm() {
  const typed = useSignal("");
  const tried = token.value !== undefined;
  return (
    <main class="notice-page">
      <form
        class="panel"
        onSubmit={(event) => {
          event.preventDefault();
          keepToken(typed.value.trim());
        }}
      >
        <h1>This server asks for a token</h1>
        <p class="muted">
          It is kept in this tab until you close it, and sent as a header only. Ask whoever runs the server for one with
          the right to read.
        </p>
        {tried && (
          <p class="is-failed" role="alert">
            The server did not take the token that was given.
          </p>
        )}
        <label for="token">Token</label>
        <input
          id="token"
          type="password"
          autocomplete="off"
          spellcheck={false}
          value={typed.value}
          onInput={(event) => (typed.value = event.currentTarget.value)}
        />
        <button type="submit" class="primary" disabled={typed.value.trim() === ""}>
          Use it
        </button>
      </form>
    </main>
  );
}
