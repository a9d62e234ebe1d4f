import "./style.css";
import { render } from "preact";
import { App } from "./page/App";
import { startKeys } from "./page/keys";
import "./page/notices";
import { startRouting } from "./page/route";
import "./page/theme";

const root = document.getElementById("page");
if (root === null) throw new Error("index.html has no element with the id `page`");
startRouting();
startKeys();
render(<App />, root);
